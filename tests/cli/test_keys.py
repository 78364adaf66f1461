"""`revml keys` and `revml audit` as their user reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from revml.cli import main
from revml.config import load_workspace
from revml.store import Store
from revml.store.audit import deed, record
from tests.cli.commands import answer, call
from tests.service.conftest import make_workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty workspace."""
    return make_workspace(tmp_path).root


@pytest.mark.parametrize("span", ["0d", "0h", "soon", "-1d"])
def test_a_key_that_would_never_open_is_not_made(root: Path, span: str) -> None:
    """It would close the door and open nothing."""
    result = call(root, "keys", "create", "--scope", "scores:read", "--expires", span)
    assert (result.exit_code, "--expires" in result.output) == (2, True)
    assert answer(root, "keys", "list") == []


def test_a_revoked_key_cannot_be_rotated(root: Path) -> None:
    """It says so, and what to do instead."""
    key = answer(root, "keys", "create", "--scope", "scores:read")
    assert call(root, "keys", "revoke", key["id"]).exit_code == 0
    result = call(root, "keys", "rotate", key["id"])
    assert result.exit_code != 0
    assert "got:    revoked" in result.output


def test_the_audit_is_one_table_in_a_narrow_terminal(root: Path) -> None:
    """No column goes into a second table, whose rows the time alone would not tell apart."""
    made = answer(root, "keys", "create", "--scope", "scores:read", "--name", "CRM")
    with Store.open(load_workspace(root).store_url) as store:
        record(store.database, [deed("nobody 192.0.2.7", "refused", "GET /v1/totals", "401")])
    told = CliRunner().invoke(main, ["audit", "-w", str(root)], env={"COLUMNS": "80"}).output
    assert told.count("┏") == 1
    assert made["id"] in told
