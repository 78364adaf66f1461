"""The examples of the API document: what the service of the literal workspace answers, cut to a readable length.

python -m tests.service.examples     writes them anew
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from httpx import Response
from starlette.testclient import TestClient

from revml.config import Workspace
from revml.models.registry import champion
from revml.service.openapi import document
from revml.service.openapi.building import EXAMPLES
from revml.store import Store
from tests.literal_asking import publish_kept, with_kept
from tests.literal_kpis import kpi_document
from tests.literal_runs import literal_run
from tests.literal_scenarios import scenarios_document
from tests.literal_values import BESIDE, FORECAST, with_values
from tests.service.conftest import client_of, fill, make_workspace

LONGEST = 2
FIXED = {"published_at": "2026-03-02T06:00:00Z", "age_days": 1, "stale": False}
WITHOUT = ("export_parquet", "document", "metrics")  # binary, itself, and shown by hand
Operation = dict[str, Any]


def operations() -> Iterator[tuple[str, str, Operation]]:
    """Address, method and description of every operation."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def ask(client: TestClient, path: str, method: str, operation: Operation) -> Response:
    """What the service answers to the example of an operation."""
    shown = {one["name"]: (one["in"], one["example"]) for one in operation["parameters"] if "example" in one}
    for name, (place, value) in shown.items():
        if place == "path":
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    query = urlencode({name: value for name, (place, value) in shown.items() if place == "query"})
    address = f"{path}?{query}" if query else path
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return client.request(method.upper(), address, **({"json": content["example"]} if content else {}))


def cut(value: Any) -> Any:
    """A value with short lists, and without what differs from day to day."""
    if isinstance(value, dict):
        return {name: FIXED.get(name, cut(one)) for name, one in value.items()}
    return [cut(one) for one in value[:LONGEST]] if isinstance(value, list) else value


def shown(answer: Response) -> Any:
    """An answer as an example."""
    if answer.headers["content-type"].startswith("application/json"):
        return cut(answer.json())
    return "\r\n".join(answer.text.lstrip("\ufeff").splitlines()[: LONGEST + 1]) + "\r\n"


def example_workspace(folder: Path) -> Workspace:
    """The literal workspace, with all documents that a run may have."""
    workspace = make_workspace(folder)
    fill(workspace)
    churn = {"acme": 0.42, "bolt": 0.05, "skoda": 0.12, "cogs": 0.9, "dent": 0.3}
    valued = with_values(literal_run("2026-03-01", churn=churn, upsell={"acme": 0.1, "bolt": 0.4}), FORECAST, BESIDE)
    with Store.open(workspace.store_url) as store:
        reports = {**valued.reports, "kpis": kpi_document(), "scenarios": scenarios_document()}
        bundle = champion(workspace, "churn")
        publish_kept(workspace, store, with_kept(replace(valued, reports=reports), workspace, bundle))
    return workspace


def write() -> None:
    """Write all examples."""
    with tempfile.TemporaryDirectory() as folder:
        client = client_of(example_workspace(Path(folder)))
        EXAMPLES.mkdir(exist_ok=True)
        for path, method, operation in operations():
            name = operation["operationId"]
            if name in WITHOUT or operation["tags"] in (["keys"], ["promotion"]):
                continue
            answer = ask(client, path, method, operation)
            if not answer.is_success:
                raise SystemExit(f"{name}: {answer.text}")
            text = json.dumps(shown(answer), ensure_ascii=False, indent=1) + "\n"
            (EXAMPLES / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
