"""Ready mappings: how the tables of systems that people have become the contract's tables.

Comes in: the names of shapes. Goes out: the text of a `revml.yaml` to edit, comments and all, and notes on what must
be decided. Each shape is a YAML file beside this one: a header that says what it expects, `company:`, and `tables:`.
Of two shapes that claim the same table the one named first gives it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from revml.contract.tables import ONE_OF, TABLES
from revml.errors import NotFound
from revml.yaml_file import nearest

NAMES = ("stripe", "stripe_items", "hubspot", "salesforce", "billing_lines", "segment", "posthog", "order_lines")
_OWN = ("account_ids.csv", "account_id", "{name}")


@dataclass(frozen=True)
class Key:
    """What a shape calls an account, and where its own table of accounts would keep another shape's name of it.

    Attributes:
        words: what an id of this shape is.
        name: what other systems would call that id.
        path: the table that may hold other systems' ids; one of the company's own where the shape has none.
        ours: its column with this shape's id.
        theirs: how it would spell `name`, with `{name}` or `{Name}` to fill in.
    """

    words: str
    name: str
    path: str
    ours: str
    theirs: str


_STRIPE = Key(
    "customer",
    "stripe_customer_id",
    "stripe/customer.csv",
    "id",
    "{{sql: \"json_extract_string(metadata, '$.{name}')\"}}",
)
KEYS = {
    "stripe": _STRIPE,
    "stripe_items": _STRIPE,
    "hubspot": Key("company", "hubspot_company_id", "hubspot/company.csv", "id", "property_{name}"),
    "salesforce": Key("account", "salesforce_account_id", "salesforce/Account.csv", "Id", "{Name}__c"),
    "billing_lines": Key("customer", "billing_customer_id", *_OWN),
    "segment": Key("group", "segment_group_id", "segment/groups.csv", "group_id", "{name}"),
    "posthog": Key("group", "posthog_group", *_OWN),
    "order_lines": Key("customer", "erp_customer_no", *_OWN),
}


@dataclass(frozen=True)
class Shape:
    """A ready mapping.

    Attributes:
        title: what it maps, in a few words.
        expects: the tables and columns that it is written for.
        header: its opening comment.
        company: its `company:` block.
        tables: contract table -> its block under `tables:`, with the comment above it.
    """

    name: str
    title: str
    expects: str
    header: str
    company: str
    tables: dict[str, str]


@dataclass(frozen=True)
class Composed:
    """The text of a workspace file, and what whoever edits it must know."""

    text: str
    notes: tuple[str, ...]


def shape(name: str) -> Shape:
    """A ready mapping by its name.

    >>> shape("stripe").title
    'Stripe: customers, subscriptions, invoices and their lines'

    Raises:
        NotFound: there is no mapping of that name.
    """
    if name not in NAMES:
        raise NotFound(
            f"there is no mapping {name!r}",
            wanted=", ".join(NAMES),
            got=name,
            do=nearest(name, NAMES) or "`revml map` lists them; docs/your-data.md tells how to write one",
        )
    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    header, _, rest = text.partition("\n\n")
    company, _, tables = rest.partition("\ntables:\n")
    title, expects = re.match(r"# (.*?)\n# Expects: (.*?)\n#\n", header, re.DOTALL).groups()  # type: ignore[union-attr]
    return Shape(name, title, re.sub(r"\n#\s+", " ", expects), header, company.strip(), _blocks(tables))


def _blocks(text: str) -> dict[str, str]:
    """The tables of a mapping, each with the comment above it."""
    found: dict[str, list[str]] = {}
    above: list[str] = []
    name = ""
    for line in text.splitlines():
        key = re.match(r"  (\w+):", line)
        if key:
            name = key.group(1)
            found[name] = [*above, line]
            above = []
        elif line.startswith("  #"):
            above.append(line)
        elif line.strip():
            found[name].append(line)
    return {table: "\n".join(lines) for table, lines in found.items()}


def compose(names: Sequence[str]) -> Composed:
    """One workspace file from one or several shapes.

    >>> composed = compose(["hubspot", "stripe"])
    >>> composed.notes[0]
    'accounts: from hubspot (also in stripe)'

    Raises:
        NotFound: there is no mapping of one of the names.
    """
    shapes = [shape(name) for name in dict.fromkeys(names)]
    given = {table: [one for one in shapes if table in one.tables] for table in TABLES}
    given = {table: claims for table, claims in given.items() if claims}
    owner = given["accounts"][0]
    blocks = []
    for table, claims in given.items():
        block = claims[0].tables[table]
        if claims[0] is not owner and "account_id" in TABLES[table].by_name:
            block = _matched(block, owner, claims[0])
        if len(shapes) > 1:
            others = "".join(f"; also in {one.name} (`revml map {one.name}`)" for one in claims[1:])
            block = f"  # {table}: from {claims[0].name}{others}\n{block}"
        blocks.append(block)
    text = "\n\n".join([*(one.header for one in shapes), owner.company, "tables:\n" + "\n\n".join(blocks)])
    return Composed(text + "\n", tuple(_notes(given, owner)))


def _matched(block: str, owner: Shape, other: Shape) -> str:
    """A block whose account ids are told as those of the shape that gives the accounts."""
    line = (
        f"    # EDIT: says which {owner.name} {KEYS[owner.name].words} a {other.name} {KEYS[other.name].words} is."
        " Remove it where the ids are the same.\n"
        f"    account_ids: {_match(owner, other)}"
    )
    return re.sub(r"^(    path: .*)$", lambda path: f"{path.group(1)}\n{line}", block, count=1, flags=re.MULTILINE)


def _match(owner: Shape, other: Shape) -> str:
    ours, name = KEYS[owner.name], KEYS[other.name].name
    theirs = ours.theirs.format(name=name, Name="_".join(part.capitalize() for part in name.split("_")))
    return f"{{path: {ours.path}, theirs: {theirs}, ours: {ours.ours}}}"


def _notes(given: dict[str, list[Shape]], owner: Shape) -> list[str]:
    notes = [
        f"{table}: from {claims[0].name} (also in {' and '.join(one.name for one in claims[1:])})"
        for table, claims in given.items()
        if len(claims) > 1
    ]
    for other in dict.fromkeys(claims[0].name for table, claims in given.items() if claims[0] is not owner):
        if any(c[0].name == other and "account_id" in TABLES[t].by_name for t, c in given.items()):
            notes.append(f"account ids of {other} are matched by {_match(owner, shape(other))}: edit it")
    if any(claims[0] is not owner for claims in given.values()):
        notes.append(
            f"what happened before the account was created in {owner.name} goes to quarantine: name first the shape"
            " that knows accounts earliest (mostly the CRM), or lower created_at of accounts"
        )
    if not set(ONE_OF) & set(given):
        notes.append(
            f"no shape here gives {' or '.join(ONE_OF)}: name one that does, for example stripe or order_lines"
        )
    return notes
