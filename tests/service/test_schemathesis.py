"""Made-up requests by the API document: no server error, no answer that the document does not describe.

The requests are schemathesis' own: valid and invalid ones, for every operation. A valid one may be refused with 422,
for no document tells which cursor belongs to which list; it may not be answered in a form that is not described.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from schemathesis.python import asgi

from revml.config import Workspace, load_workspace
from revml.service.openapi import document
from revml.service.process import start_service
from revml.service.scopes import ALL_SCOPES
from revml.store import Store
from revml.store.keys import create_key
from tests.service.conftest import client_of, free_port
from tests.service.examples import example_workspace

# `positive_data_acceptance` calls every 422 a violation, see above. `unsupported_method` asks for OPTIONS and TRACE on
# each address, `ignored_auth` for a 401 though the key is there.
LEFT_OUT = ("positive_data_acceptance", "unsupported_method", "ignored_auth")
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
READ_ONLY = [scope for scope in ALL_SCOPES if scope not in ("models:promote", "keys:manage")]
made_up = schemathesis.openapi.from_dict(document())


def with_settings(workspace: Workspace, **settings_of_service: Any) -> Workspace:
    """The workspace with other settings of its service."""
    file = workspace.root / "revml.yaml"
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    told["service"] = {**told.get("service", {}), **settings_of_service}
    file.write_text(yaml.safe_dump(told), encoding="utf-8")
    return load_workspace(workspace.root)


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[asgi.ASGIClient]:
    """A caller with a key, in this process, of the application behind its gate."""
    workspace = example_workspace(tmp_path_factory.mktemp("described"))
    loaded = with_settings(workspace, hosts=[asgi.HOST], requests_per_second=100_000)
    with Store.open(loaded.store_url) as store:
        _, key = create_key(store.database, READ_ONLY, expires_in=timedelta(days=1), name="made-up requests")
    with asgi.get_client(client_of(loaded).app) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


@made_up.parametrize()
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_made_up_requests_are_answered_as_described(case: schemathesis.Case, caller: asgi.ASGIClient) -> None:
    """In this process, a few requests for each operation; what changes keys or models is refused for want of scope."""
    checks = [CHECKS.get_one(name) for name in CHECKED]
    case.call_and_validate(base_url=f"http://{asgi.HOST}", session=caller, checks=checks)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_real_service_stands_made_up_requests(tmp_path: Path) -> None:
    """The whole tool against the real service: examples, edges of every parameter, and made-up requests."""
    workspace = example_workspace(tmp_path / "shop")
    with_settings(workspace, requests_per_second=100_000)
    with Store.open(workspace.store_url) as store:
        _, key = create_key(store.database, READ_ONLY, expires_in=timedelta(days=1), name="made-up requests")
    with start_service(workspace.root, port=free_port(), workers=1) as service:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"]
        command += ["-H", f"Authorization: Bearer {key}", "--max-examples", "15", "--seed", "1", "--no-color"]
        command += ["--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
        done = subprocess.run(
            [*command, "--exclude-checks", ",".join(LEFT_OUT)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=850,
        )
        log = service.log.read_text(encoding="utf-8")
    assert done.returncode == 0, done.stdout
    assert "defect while answering" not in log
