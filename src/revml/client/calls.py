"""The operations of the service, each a method with its `operationId`."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from revml.client.connection import Connection
from revml.client.errors import ClientError

if TYPE_CHECKING:
    import pyarrow as pa

Json = dict[str, Any]
Day = date | str
ARROW = "application/vnd.apache.arrow.stream"
PAGE = 1000
MOST_IDS = 1000


class Client:
    """A service, as its callers see it. Use it as a context manager, or `close()` it; one a thread.

    Args:
        url: where the service is.
        key: an API key; none is needed as long as the service has none.
        timeout: seconds to wait for the service at each step.
        retries: how often to ask again, where that is safe.
        context: of TLS; default: the system's.

    Every call raises `Refused` where the answer is an error, `Unreachable` where nobody answers, and `Interrupted`
    where the answer breaks off.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:3000",
        *,
        key: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._line = Connection(url, key=key, timeout=timeout, retries=retries, context=context)

    def list_accounts(self, question: str, *, limit: int = PAGE, **asked: str | None) -> Iterator[Json]:
        """All accounts scored for a question, page by page out of one run.

        Args:
            limit: rows a page.
            asked: order, search, band, owner, industry, country, item, lang.
        """
        return self._pages("/v1/accounts", "accounts", {"question": question, "limit": limit, **asked})

    def read_account(self, account_id: str, *, as_of: Day | None = None, lang: str | None = None) -> Json:
        """All about one account, in the newest run or in that of a day."""
        return self._get(f"/v1/accounts/{_spelt(account_id)}", {"as_of": _day(as_of), "lang": lang})

    def read_history(self, account_id: str, *, question: str | None = None) -> Json:
        """The account's probabilities over the runs."""
        return self._get(f"/v1/accounts/{_spelt(account_id)}/history", {"question": question})

    def read_changes(self, account_id: str, *, lang: str | None = None) -> Json:
        """What changed of an account's scores since the run before, concept by concept."""
        return self._get(f"/v1/accounts/{_spelt(account_id)}/changes", {"lang": lang})

    def read_levers(
        self, account_id: str, *, question: str | None = None, item: str | None = None, lang: str | None = None
    ) -> Json:
        """What people can move that would bring an account out of its band."""
        asked = {"question": question, "item": item, "lang": lang}
        return self._get(f"/v1/accounts/{_spelt(account_id)}/levers", asked)

    def ask_what_if(
        self,
        account_id: str,
        values: Mapping[str, float | str | bool | None],
        *,
        question: str | None = None,
        item: str | None = None,
        lang: str | None = None,
    ) -> Json:
        """What the model would say of an account with some features set, None meaning not known."""
        told = {name: value for name, value in {"question": question, "item": item}.items() if value is not None}
        address = f"/v1/accounts/{_spelt(account_id)}/what-if"
        return self._post(address, {**told, "set": dict(values)}, {"lang": lang})

    def read_scores(
        self,
        account_ids: Iterable[str],
        *,
        question: str | None = None,
        as_of: Day | None = None,
        reasons: int | None = None,
        lang: str | None = None,
    ) -> Json:
        """Published scores of accounts by their ids; more than a thousand are asked for in several requests.

        Raises:
            ClientError: another run was published between two of the requests.
        """
        ids, whole = list(account_ids), None
        asked = {"question": question, "as_of": _day(as_of), "reasons": reasons}
        told = {name: value for name, value in asked.items() if value is not None}
        for start in range(0, max(1, len(ids)), MOST_IDS):
            some = self._post("/v1/scores", {"account_ids": ids[start : start + MOST_IDS], **told}, {"lang": lang})
            if whole is None:
                whole = some
                continue
            if some["run"]["id"] != whole["run"]["id"]:
                raise ClientError("another run was published meanwhile", where="read_scores", do="ask again")
            whole["accounts"] += some["accounts"]
            whole["missing"] += some["missing"]
        return whole or {}

    def read_totals(self) -> Json:
        """Sums by question and band."""
        return self._get("/v1/totals")

    def list_segments(self, question: str, by: str, *, limit: int = PAGE) -> Iterator[Json]:
        """Sums of a question by segment, the most expected money first."""
        return self._pages("/v1/segments", "segments", {"question": question, "by": by, "limit": limit})

    def read_facets(self, question: str) -> Json:
        """What a question's list can be filtered by."""
        return self._get("/v1/facets", {"question": question})

    def list_runs(self) -> Json:
        """The runs that are kept."""
        return self._get("/v1/runs")

    def read_current_run(self) -> Json:
        """The run that readers see."""
        return self._get("/v1/runs/current")

    def read_forecast(self) -> Json:
        """The company's forecast."""
        return self._get("/v1/forecast")

    def read_forecast_backtest(self) -> Json:
        """How the forecast would have done."""
        return self._get("/v1/forecast/backtest")

    def read_kpis(self, *, by: str | None = None, lang: str | None = None) -> Json:
        """Key figures with definitions, movements, cohorts, and the segments of one kind."""
        return self._get("/v1/kpis", {"by": by, "lang": lang})

    def read_scenarios(self, *, lang: str | None = None) -> Json:
        """What retention, price and saved accounts would change."""
        return self._get("/v1/scenarios", {"lang": lang})

    def export_list(self, path: str | Path, question: str, **asked: str | None) -> Path:
        """A list as the page shows it, as CSV; takes the filters of `list_accounts`."""
        return self._file("/v1/export.csv", Path(path), {"question": question, **asked})

    def export_csv(
        self, what: str, path: str | Path, *, question: str | None = None, lang: str | None = None, bom: bool = False
    ) -> Path:
        """A whole table (scores, reasons, values, relations, flows) as a CSV file, written whole or not at all."""
        asked = {"question": question, "lang": lang, "bom": "true" if bom else None}
        return self._file(f"/v1/export/{_spelt(what)}.csv", Path(path), asked)

    def export_parquet(
        self, what: str, path: str | Path, *, question: str | None = None, lang: str | None = None
    ) -> Path:
        """A whole table as a Parquet file, written whole or not at all."""
        return self._file(f"/v1/export/{_spelt(what)}.parquet", Path(path), {"question": question, "lang": lang})

    def score_rows(
        self,
        question: str,
        rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]] | pa.Table | Any,
        *,
        reasons: int | None = None,
        lang: str | None = None,
    ) -> Any:
        """Probability, band and reasons of rows that name every feature of the model, None where unknown.

        Args:
            rows: a list of rows, or columns by feature: answered as the service's JSON; an Arrow table, or what gives
                itself as Arrow (a pandas or polars frame): sent and answered as Arrow, as a `pyarrow.Table`.
            reasons: at most so many a row; 0: the score alone.
        """
        if hasattr(rows, "__arrow_c_stream__"):
            return self._arrow({"question": question, "reasons": reasons, "lang": lang}, rows)
        told = {"columns" if isinstance(rows, Mapping) else "rows": rows}
        return self._post("/v1/score", {"question": question, **told}, {"reasons": reasons, "lang": lang})

    def list_models(self) -> Json:
        """The models that serve, and the features that a row must name."""
        return self._get("/v1/models")

    def read_importance(self, question: str, *, by: str | None = None, lang: str | None = None) -> Json:
        """What weighs in the model that serves, how its strongest features act, and for which segments."""
        return self._get(f"/v1/models/{_spelt(question)}/importance", {"by": by, "lang": lang})

    def promote_model(self, question: str, *, bundle: str | None = None, force: bool = False, reason: str = "") -> Json:
        """Make the challenger, or another bundle, champion where the gate lets it through.

        Where `state` is still `running`, `read_change` tells later what came of it.
        """
        asked = {"force": force, "reason": reason} | ({} if bundle is None else {"bundle": bundle})
        return self._change("POST", f"/v1/models/{_spelt(question)}/promote", asked)

    def roll_back_model(self, question: str, *, reason: str = "") -> Json:
        """Let the champion before serve again, at once."""
        return self._change("POST", f"/v1/models/{_spelt(question)}/rollback", {"reason": reason})

    def read_change(self, question: str) -> Json:
        """What came of the last promotion that was asked for."""
        return self._get(f"/v1/models/{_spelt(question)}/change")

    def list_keys(self) -> Json:
        """All API keys, also those that no longer open."""
        return self._get("/v1/keys")

    def create_key(self, scopes: Sequence[str], *, expires_days: int | None = 90, name: str = "") -> Json:
        """Make an API key with some of the caller's scopes; its `secret` is told in this answer only."""
        return self._change("POST", "/v1/keys", {"scopes": list(scopes), "expires_days": expires_days, "name": name})

    def rotate_key(self, key_id: str, *, grace_hours: int = 24) -> Json:
        """Give an API key a new secret; the old one opens for some hours more."""
        return self._change("POST", f"/v1/keys/{_spelt(key_id)}/rotate", {"grace_hours": grace_hours})

    def revoke_key(self, key_id: str) -> Json:
        """Close an API key for good."""
        return self._change("DELETE", f"/v1/keys/{_spelt(key_id)}")

    def live(self) -> Json:
        """Whether the service lives."""
        return self._get("/livez")

    def ready(self) -> Json:
        """Whether it can do its work; a service that is not ready is `Refused`, its checks under `problem`."""
        return self._get("/readyz")

    def metrics(self) -> str:
        """Prometheus metrics."""
        return self._line.ask("GET", "/metrics").body.decode()

    def document(self) -> Json:
        """The API document."""
        return self._get("/openapi.json")

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        found: Json = self._line.ask("GET", path, query=query).json()
        return found

    def _post(self, path: str, body: Json, query: Mapping[str, Any]) -> Json:
        packed = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"}
        found: Json = self._line.ask("POST", path, query=query, body=packed, headers=headers).json()
        return found

    def _change(self, method: str, path: str, body: Json | None = None) -> Json:
        packed = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        found: Json = self._line.ask(method, path, body=packed, headers=headers, reads=False).json()
        return found

    def _pages(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[Json]:
        after = None
        while True:
            page = self._get(path, {**query, "after": after})
            yield from page[name]
            if (after := page["after"]) is None:
                return

    def _arrow(self, query: Mapping[str, Any], rows: Any) -> Any:
        import pyarrow as pa

        table, sink = pa.table(rows), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        headers = {"Content-Type": ARROW, "Accept": ARROW}
        answer = self._line.ask("POST", "/v1/score", query=query, body=sink.getvalue().to_pybytes(), headers=headers)
        return pa.ipc.open_stream(answer.body).read_all()

    def _file(self, address: str, path: Path, query: Mapping[str, Any]) -> Path:
        handle, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self._line.stream(address, query=query):
                    file.write(piece)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path


def _spelt(account_id: str) -> str:
    return quote(account_id, safe="")


def _day(day: Day | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day
