"""The workspace file `revml.yaml`: what a company tells revml about itself, validated once, frozen afterwards.

Comes in: a path. Goes out: a `Workspace` that every other part takes as its first argument. An unknown key is an
error that names the nearest known one. Nothing is guessed, nothing is read from the environment except `${NAME}`
in a URL, which is the way to keep passwords out of the file.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    PrivateAttr,
    field_validator,
    model_validator,
)

from revml.errors import ConfigError
from revml.windows import LabelWindow, instant
from revml.yaml_file import read_yaml as read_yaml

WORKSPACE_FILE = "revml.yaml"


def _instant(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, date | str):
        raise ValueError("write an ISO date such as 2026-03-01, or an instant such as 2026-03-01T06:00:00Z")
    try:
        return instant(value)
    except ConfigError as error:
        raise ValueError(f"{error.what}; write {error.wanted}") from None


Instant = Annotated[datetime, BeforeValidator(_instant)]
QuestionName = Literal[
    "churn",
    "contraction",
    "upsell",
    "upsell_seats",
    "upsell_tier",
    "upsell_module",
    "lapse",
    "growth",
    "attach",
    "replacement",
    "cross_sell",
]
QUESTIONS: tuple[QuestionName, ...] = get_args(QuestionName)
# Questions whose event costs money; that of the others brings some.
LOSSES: frozenset[QuestionName] = frozenset({"churn", "contraction", "lapse"})
# Kinds of upsell overlap with it: they are asked only where the workspace names them.
UPSELL_KINDS: tuple[QuestionName, ...] = ("upsell_seats", "upsell_tier", "upsell_module")
TableName = Literal[
    "accounts",
    "account_history",
    "users",
    "products",
    "subscriptions",
    "orders",
    "assets",
    "invoices",
    "usage",
    "tickets",
    "feedback",
    "touches",
    "opportunities",
    "actions",
]


class Frozen(BaseModel):
    """Base of all configuration: complete, explicit, immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Expression(Frozen):
    """A mapped column that is computed: `{sql: "Quantity * UnitPrice"}` over the source's own columns."""

    sql: str


def _column(value: Any) -> Any:
    if isinstance(value, str | Expression):
        return value
    if isinstance(value, dict) and set(value) == {"sql"} and isinstance(value["sql"], str):
        return Expression(sql=value["sql"])
    raise ValueError('give the name of a source column, or {sql: "expression over source columns"}')


MappedColumn = Annotated[str | Expression, BeforeValidator(_column)]


class Place(Frozen):
    """A place that rows come from: files, or a table of a database."""

    path: str | None = Field(
        None,
        description="Parquet or CSV file, folder of them, glob, DuckDB or SQLite file; here or in an object store"
        " (s3://bucket/usage/*.parquet)",
    )
    url: str | None = Field(None, description="database URL, e.g. postgresql://user:${PGPASSWORD}@host/db")
    table: str | None = Field(None, description="table (schema.table) inside a database file or URL")
    encoding: str | None = Field(
        None, description="how CSV files are encoded where it is not UTF-8 or UTF-16, e.g. windows-1250"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of 'path' and 'url'")
        if self.url is not None and self.table is None:
            raise ValueError("a 'url' needs a 'table'")
        return self

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            known = value is None or codecs.lookup(value)._is_text_encoding
        except LookupError:
            known = False
        if not known:
            raise ValueError(f"unknown encoding {value!r}; write a name such as windows-1250, iso-8859-2 or latin-1")
        return value


def _place(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class AccountIds(Place):
    """Which account of ours an id of another system is: a place that holds both, one row a pair."""

    theirs: MappedColumn = Field(description="column with the id that this table holds, or {sql: expression}")
    ours: MappedColumn = Field(description="column with the account_id of our accounts, or {sql: expression}")


class TableSource(Place):
    """Where one contract table comes from and how its columns are named there."""

    query: str | None = Field(
        None, description="SQL over the source, which it names `source`, for shapes that a renaming cannot reach"
    )
    sources: dict[str, Annotated[Place, BeforeValidator(_place)]] = Field(
        default_factory=dict,
        description="further inputs that `query` joins, by the name it calls them: a path, or {path or url, table}",
    )
    where: str | None = Field(None, description="SQL condition on the source's columns; rows left out are counted")
    columns: dict[str, MappedColumn] = Field(
        default_factory=dict, description="contract column: source column, or {sql: expression}"
    )
    account_ids: AccountIds | None = Field(
        None, description="translates account_id where this table comes from another system than the accounts"
    )
    static: tuple[str, ...] = Field(
        (), description="extra account columns whose value was already true when the account was created"
    )
    timezone: str | None = Field(None, description="IANA zone of naive local times in this table")
    quarantine_limit: float | None = Field(None, ge=0, le=1, description="overrides the workspace's limit")

    @property
    def inputs(self) -> dict[str, Place]:
        """Every further place that this table reads, by name."""
        return {**self.sources, **({"account_ids": self.account_ids} if self.account_ids else {})}

    @model_validator(mode="after")
    def _joined(self) -> TableSource:
        for name in self.sources:
            if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or name in ("source", "account_ids"):
                raise ValueError(f"sources: {name!r} is no name for a query; write lower case letters, digits and _")
        if self.sources and self.query is None:
            raise ValueError("'sources' are for a 'query' that joins them to `source`")
        return self

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return _zone(value)


def _zone(value: str | None) -> str | None:
    if value is not None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {value!r}; write an IANA name such as Europe/Prague") from None
    return value


def _near(word: str, codes: Sequence[str]) -> str:
    """The code that shares most letters in their places, and of those the one that begins most alike."""
    word = word.strip().upper()

    def likeness(code: str) -> tuple[int, list[bool]]:
        same = [a == b for a, b in zip(word, code, strict=False)]
        return sum(same), same

    return max(codes, key=likeness)


class Company(Frozen):
    """Who runs this workspace."""

    name: str = "our company"
    currency: str = Field("EUR", description="ISO 4217 code")
    timezone: str | None = Field(None, description="IANA zone of naive local times; absent means they must be UTC")

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        from babel.numbers import list_currencies

        known = sorted(list_currencies())
        if value not in known:
            raise ValueError(
                f"unknown currency {value!r}; write an ISO 4217 code, the nearest is {_near(value, known)}"
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return _zone(value)


class SnapshotSpec(Frozen):
    """When the past is looked at: the rhythm, chosen dates, and days before renewals."""

    every: Literal["month", "week", "none"] = "month"
    dates: tuple[Instant, ...] = ()
    before_renewal_days: tuple[Annotated[int, Field(ge=1, le=1095)], ...] = ()
    first: Instant | None = None
    last: Instant | None = None

    @model_validator(mode="after")
    def _some_time(self) -> SnapshotSpec:
        if self.first and self.last and self.first > self.last:
            raise ValueError("'first' lies after 'last'")
        if self.every == "none" and not self.dates and not self.before_renewal_days:
            raise ValueError("with 'every: none' give 'dates' or 'before_renewal_days'")
        return self


# The fields of a question's definition that only some questions use.
_ONLY: dict[str, tuple[QuestionName, ...]] = {
    "grace_days": ("churn", "attach", "replacement"),
    "lookback_days": ("lapse", "growth", "cross_sell"),
    "uplift": ("upsell", *UPSELL_KINDS),
    "drop": ("contraction",),
    "price_changes": ("contraction", "upsell"),
    "growth_ratio": ("growth",),
}


class QuestionSpec(Frozen):
    """The definition of a question; fields that a question does not use are refused where they are set."""

    horizon_days: int = Field(90, ge=1, le=1095)
    gap_days: int = Field(0, ge=0, le=365)
    grace_days: int = Field(
        30,
        ge=0,
        le=365,
        description="churn: days in which a new start undoes an end; attach: for which a contract must last;"
        " replacement: between the retirement of the old and the installation of the new",
    )
    lookback_days: int = Field(
        180, ge=1, le=1095, description="lapse, growth, cross_sell: who ordered within this is alive"
    )
    uplift: float = Field(
        0.10,
        gt=0,
        description="upsell: MRR up by at least this share through seats, a tier or a product;"
        " its kinds: the share that one is reckoned at",
    )
    drop: float = Field(
        0.10,
        gt=0,
        lt=1,
        description="contraction: MRR down by at least this share through seats, a tier or a subscription that ended",
    )
    price_changes: bool = Field(
        False, description="contraction, upsell: whether a change of price alone (an indexation, a discount) counts too"
    )
    growth_ratio: float = Field(1.25, gt=1, description="growth: spend in the horizon above this times the span before")

    def window(self, question: QuestionName) -> LabelWindow:
        """The label window; where there is a grace period, the label settles only after it."""
        settle = self.grace_days if question in _ONLY["grace_days"] else 0
        return LabelWindow(self.horizon_days, self.gap_days, settle)


YEARLY_MONTHS = (12, 24)


class Economics(Frozen):
    """What turns a probability into money. Rates are shares of one, yearly where time is in them."""

    margin: float = Field(0.75, gt=0, le=1, description="gross margin of contract revenue")
    order_margin: float = Field(0.35, gt=0, le=1, description="gross margin of orders without a cost column")
    discount_rate: float = Field(0.10, ge=0, le=1, description="yearly")
    horizon_months: int = Field(36, ge=1, le=120)
    referral_share: float = Field(
        0.0, ge=0, le=1, description="share of a referred account's margin that counts for who referred it"
    )
    new_business: bool = Field(True, description="whether the company's forecast holds accounts that are not there yet")
    reconcile: bool = Field(
        False, description="whether totals are multiplied by the factor that earlier forecasts were off by"
    )
    segment_by: Literal["industry", "country", "region", "owner", "acquisition_channel"] = Field(
        "industry", description="column of accounts that the company's forecast is told by"
    )

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizons in months that are told unless others are asked for: one and two years, and the main one.

        >>> Economics(horizon_months=36).horizons, Economics(horizon_months=18).horizons
        ((12, 24, 36), (12, 18))
        """
        return (*(months for months in YEARLY_MONTHS if months < self.horizon_months), self.horizon_months)


class Capacity(Frozen):
    """What the team can do with a list."""

    accounts_per_month: int = Field(40, ge=1, description="accounts a month that the team can call")


class Store(Frozen):
    """The scores database; the default is SQLite in the work folder."""

    url: str | None = None


class Tracking(Frozen):
    """MLflow; the default is SQLite in the work folder."""

    uri: str | None = None
    name: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$",
        description="prefix of experiments and registered models, where several companies share one server",
    )


Option = str | bool | int | float
_SECRET = re.compile(r"key|secret|token|password|credential|sas|connection_string", re.IGNORECASE)


def _no_secrets(value: dict[str, dict[str, Option]]) -> dict[str, dict[str, Option]]:
    for store, options in value.items():
        for name, option in options.items():
            if _SECRET.search(name) and not re.search(r"\$\{\w+\}", str(option)):
                # Not a ValueError, whose report would show the value.
                raise ConfigError(
                    "a secret stands in the workspace file",
                    where=f"{WORKSPACE_FILE}: storage.{store}.{name}",
                    wanted="the name of an environment variable, as ${NAME}",
                    got="something else",
                    do=f"write {name}: ${{NAME}} and keep the secret in that variable",
                )
    return value


class Service(Frozen):
    """Where the service listens. Loopback unless you say otherwise."""

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65535)
    workers: int | None = Field(None, ge=1, le=256, description="processes that answer; absent: one a core")
    follow: Literal["file", "registry"] = Field(
        "file",
        description="what names the champion: the pointer file alone, or MLflow's alias too, fetched when it moves",
    )
    poll_seconds: float = Field(2.0, ge=0.1, le=3600, description="how often the pointer file is looked at")
    registry_seconds: float = Field(60.0, ge=1, le=86400, description="how often MLflow's registry is asked")
    trial_seconds: float = Field(
        60.0, ge=1, le=3600, description="how long a new model may take to load and check, apart from the workers"
    )
    drain_seconds: float = Field(
        5.0, ge=0, le=3600, description="how long new connections are still served after SIGTERM, while readyz says 503"
    )
    stale_days: int = Field(
        45, ge=1, le=3650, description="age of the scores' as_of from which answers and readyz call them stale"
    )
    request_log: Literal["all", "problems", "off"] = Field(
        "all", description="which requests are logged: all, those answered with 400 or more, or none"
    )
    hosts: tuple[Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253})$")], ...] = Field(
        (), description="names by which readers call the service, without a port; those of this machine always pass"
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed"
    )
    https: bool = Field(
        False,
        description="readers come over https, for a proxy ends TLS: cookies are Secure, browsers stay",
    )
    large_body_mib: int = Field(64, ge=1, le=1024, description="longest Arrow or Parquet body; JSON ends at 1 MiB")
    body_seconds: float = Field(8.0, ge=1, le=9, description="how long a client may take to send headers, or 1 MiB")
    requests_per_second: float = Field(
        5000.0, gt=0, le=1_000_000, description="what a key may ask on average, over all workers"
    )
    at_once: int = Field(64, ge=1, le=10_000, description="requests a worker answers at once; others get 429")
    session_hours: float = Field(12.0, gt=0, le=24 * 31, description="how long a browser stays signed in")


class ReadyTable(Frozen):
    """A company's own feature table: one row an account (and `as_of`, where it has one), features, and the label."""

    path: str | None = Field(None, description="Parquet or CSV file, folder of them, DuckDB or SQLite file")
    url: str | None = Field(None, description="database URL")
    table: str | None = Field(None, description="table (schema.table) inside a database file or URL")
    account: str = Field(description="column with the account's id")
    as_of: str | None = Field(None, description="column with the instant that the row tells of; absent: no time order")
    label: str = Field(description="column that says what happened; empty where it is not known yet")
    positive: str | int | float | bool | None = Field(
        None, description="the label's value that means the event; absent: the label is 0 and 1, or true and false"
    )
    features: Literal["all"] | tuple[str, ...] = Field("all", description="columns to learn from")
    exclude: tuple[str, ...] = Field((), description="columns to leave out")
    allow: tuple[str, ...] = Field((), description="columns to learn from although `revml check` holds them back")
    categorical: tuple[str, ...] = Field((), description="numbers that are names, such as a postcode")
    money: str | None = Field(None, description="column with the account's yearly money")
    name: str | None = Field(None, description="column with the account's name, for lists and pages")
    question: QuestionName = Field("churn", description="the question that the label answers")
    horizon_days: int | None = Field(None, ge=1, le=1095, description="how far ahead of as_of the label looks")
    gap_days: int = Field(0, ge=0, le=365, description="days between as_of and the start of the label's window")
    score_path: str | None = Field(None, description="file with the rows to score, without a label; absent: the same")

    @model_validator(mode="after")
    def _one_place(self) -> ReadyTable:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of 'path' and 'url'")
        if self.url is not None and self.table is None:
            raise ValueError("a 'url' needs a 'table'")
        if self.as_of is not None and self.horizon_days is None:
            raise ValueError("with 'as_of' give 'horizon_days': the split by time keeps labels apart by it")
        roles = [c for c in (self.account, self.as_of, self.label) if c is not None]
        if len(set(roles)) < len(roles):
            raise ValueError("account, as_of and label must be different columns")
        return self


class Workspace(Frozen):
    """A whole `revml.yaml`. `root` is the folder it stands in; relative paths start there."""

    company: Company = Company()
    data: str | None = Field(
        None,
        description="folder with contract tables under their own names, e.g. accounts.parquet, usage/*.csv; here or in"
        " an object store (s3://bucket/prefix)",
    )
    storage: Annotated[dict[str, dict[str, Option]], AfterValidator(_no_secrets)] = Field(
        default_factory=dict,
        description="options of object stores by protocol, e.g. {s3: {endpoint: https://minio.example.org, region:"
        " eu-central-1, anonymous: false}}; secrets as ${NAME} only",
    )
    tables: dict[TableName, TableSource] = Field(
        default_factory=dict, description="contract table: where it comes from"
    )
    ready: dict[str, ReadyTable] = Field(
        default_factory=dict, description="own feature tables by name; each answers one question in place of the tables"
    )
    quarantine_limit: float = Field(0.02, ge=0, le=1, description="share of a table's rows that may be put aside")
    observed_until: Instant | None = Field(None, description="how far the data reaches; absent means the newest fact")
    snapshots: SnapshotSpec = SnapshotSpec()
    questions: dict[QuestionName, QuestionSpec] = Field(
        default_factory=dict,
        description="absent means the questions that the tables can answer, with defaults, but for the kinds of upsell",
    )
    economics: Economics = Economics()
    capacity: Capacity = Capacity()
    store: Store = Store()
    tracking: Tracking = Tracking()
    service: Service = Service()
    language: Literal["en", "cs"] = "en"
    seed: int = Field(42, ge=0, lt=2**31)
    work: str = Field(".revml", min_length=1, description="folder for everything revml makes")

    _root: Path = PrivateAttr(default=Path())

    @field_validator("questions")
    @classmethod
    def _used_fields(cls, value: dict[QuestionName, QuestionSpec]) -> dict[QuestionName, QuestionSpec]:
        for name, spec in value.items():
            for field in sorted(spec.model_fields_set):
                if name not in _ONLY.get(field, (name,)):
                    raise ValueError(f"{name!r} does not use {field!r} (it belongs to {' and '.join(_ONLY[field])})")
        return value

    @field_validator("ready")
    @classmethod
    def _one_table_a_question(cls, value: dict[str, ReadyTable]) -> dict[str, ReadyTable]:
        for name, table in value.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                raise ValueError(f"{name!r}: use letters, digits, _ and - in the name of a ready table")
            if name in {*QUESTIONS, "all"}:
                raise ValueError(f"{name!r} is the name of a question; call the table otherwise")
            twice = [other for other, one in value.items() if one.question == table.question and other != name]
            if twice:
                raise ValueError(f"{name!r} and {twice[0]!r} both answer {table.question!r}; keep one")
        return value

    @property
    def has_tables(self) -> bool:
        """Whether it names contract tables; a workspace may hold ready tables alone."""
        return self.data is not None or bool(self.tables)

    def ready_for(self, question: str) -> str | None:
        """The name of the ready table that answers a question, None where the contract tables do."""
        return next((name for name, table in self.ready.items() if table.question == question), None)

    @property
    def root(self) -> Path:
        """The folder that holds the workspace file."""
        return self._root

    @property
    def work_dir(self) -> Path:
        """The folder for everything revml makes (not created by reading this)."""
        return self._root / self.work

    @property
    def staged_dir(self) -> Path:
        """Accepted facts, one Parquet file a table."""
        return self.work_dir / "staged"

    @property
    def quarantine_dir(self) -> Path:
        """Rows that broke the contract, with their reasons."""
        return self.work_dir / "quarantine"

    @property
    def bundles_dir(self) -> Path:
        """Model bundles by question."""
        return self.work_dir / "bundles"

    @property
    def store_url(self) -> str:
        """The scores database as an SQLAlchemy URL."""
        return expand(self.store.url) if self.store.url else f"sqlite:///{self.work_dir.absolute() / 'scores.db'}"

    @property
    def tracking_uri(self) -> str:
        """The MLflow tracking store."""
        return expand(self.tracking.uri) if self.tracking.uri else f"sqlite:///{self.work_dir.absolute() / 'mlflow.db'}"

    def question(self, name: QuestionName) -> QuestionSpec:
        """The definition of a question: the workspace's, or the defaults."""
        return self.questions.get(name, QuestionSpec())

    def at(self, root: Path) -> Workspace:
        """The same workspace standing in another folder."""
        moved = self.model_copy()
        moved._root = root
        return moved


def expand(url: str) -> str:
    """Fill `${NAME}` from the environment.

    Raises:
        ConfigError: the variable is not set.
    """

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise ConfigError(
                "a URL names a variable that is not set",
                where=WORKSPACE_FILE,
                wanted=f"the environment variable {name}",
                got="nothing",
                do=f"export {name}=... before calling revml",
            )
        return os.environ[name]

    return re.sub(r"\$\{(\w+)\}", fill, url)


def load_workspace(path: str | Path = WORKSPACE_FILE) -> Workspace:
    """Read and validate a workspace file (or the one in a folder).

    Raises:
        ConfigError: the file is missing, is not YAML, or breaks the schema; names the key and the nearest known one.
    """
    path = Path(path)
    if path.is_dir():
        path = path / WORKSPACE_FILE
    workspace = read_yaml(path, Workspace, hint="`revml schema` prints what each key may hold")
    workspace._root = path.parent
    return workspace
