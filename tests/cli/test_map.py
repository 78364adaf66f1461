"""`revml map`, as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from revml.cli import main
from revml.config import load_workspace
from revml.mappings import KEYS, NAMES, shape
from tests.mappings.make_samples import FOLDER


def run(*words: str) -> Result:
    """Run `revml map` in this process."""
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, ["map", *words])


def test_without_a_name_every_mapping_is_listed_with_what_it_expects_and_gives() -> None:
    """The list in words and as JSON."""
    words, listed = run().stdout, json.loads(run("--json").stdout)["mappings"]
    assert [one["name"] for one in listed] == list(NAMES) == list(KEYS)
    for one in listed:
        assert one["name"] in words
        assert one["expects"]
        assert "accounts" in one["gives"]


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_is_printed_as_a_workspace_file(tmp_path: Path, name: str) -> None:
    """What is printed is the mapping's own file, comments and all, and nothing else stands on stdout."""
    result = run(name)
    (tmp_path / "revml.yaml").write_text(result.stdout)
    assert set(load_workspace(tmp_path).tables) == set(shape(name).tables)
    assert result.stdout.startswith(shape(name).header)


def test_of_two_that_claim_a_table_the_first_gives_it_and_both_are_told() -> None:
    """HubSpot named first gives the accounts; Stripe's and Segment's ids are matched to its companies."""
    result = run("hubspot", "stripe", "segment")
    tables = yaml.safe_load(result.stdout)["tables"]
    assert tables["accounts"]["path"] == "hubspot/company.csv"
    assert tables["subscriptions"]["account_ids"] == {
        "path": "hubspot/company.csv",
        "theirs": "property_stripe_customer_id",
        "ours": "id",
    }
    assert tables["usage"]["account_ids"]["theirs"] == "property_segment_group_id"
    assert "account_ids" not in {**tables["tickets"], **tables["products"], **tables["accounts"]}
    assert "accounts: from hubspot (also in stripe and segment)" in result.stderr
    assert "account ids of stripe are matched by" in result.stderr
    assert "# EDIT: says which hubspot company a stripe customer is" in result.stdout


def test_the_order_of_names_decides() -> None:
    """Stripe named first gives the accounts, and tells other systems' ids from its metadata."""
    tables = yaml.safe_load(run("stripe", "hubspot").stdout)["tables"]
    assert tables["accounts"]["path"] == "stripe/customer.csv"
    assert tables["tickets"]["account_ids"]["theirs"] == {
        "sql": "json_extract_string(metadata, '$.hubspot_company_id')"
    }


@pytest.mark.parametrize("name", ["hubspot", "salesforce", "segment", "posthog"])
def test_a_shape_without_contracts_or_orders_says_that_it_needs_another(name: str) -> None:
    """The workspace would not pass the check."""
    assert "no shape here gives subscriptions or orders" in run(name).stderr


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    """Exit code 2, and the file stays as it was."""
    file = tmp_path / "revml.yaml"
    assert run("stripe", "--out", str(file)).exit_code == 0
    file.write_text("mine")
    refused = run("stripe", "--out", str(file))
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert "already there; nothing was written" in refused.stderr


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """No folders are made for a misspelt path."""
    refused = run("stripe", "--out", str(tmp_path / "nowhere" / "revml.yaml"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stderr


def test_an_unknown_name_names_the_nearest() -> None:
    """Exit code 7."""
    refused = run("strip")
    assert (refused.exit_code, refused.stdout) == (7, "")
    assert "did you mean 'stripe'?" in refused.stderr


def test_json_holds_the_text_and_the_notes() -> None:
    """For scripts that write the file themselves."""
    told = json.loads(run("salesforce", "billing_lines", "--json").stdout)
    assert told["shapes"] == ["salesforce", "billing_lines"]
    assert yaml.safe_load(told["yaml"])["tables"]["subscriptions"]["account_ids"]["theirs"] == "Billing_Customer_Id__c"
    assert any("matched" in note for note in told["notes"])


@pytest.mark.parametrize(
    "names",
    [
        ("stripe",),
        ("stripe_items",),
        ("order_lines",),
        ("hubspot", "stripe", "segment"),
        ("salesforce", "billing_lines"),
    ],
    ids="-".join,
)
def test_what_is_written_passes_the_check_where_the_exports_stand(tmp_path: Path, names: tuple[str, ...]) -> None:
    """`revml map --out`, the exports where the file says, `revml check`."""
    assert run(*names, "--out", str(tmp_path / "revml.yaml")).exit_code == 0
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    checked = CliRunner().invoke(main, ["check", "-w", str(tmp_path), "--json"])
    assert checked.exit_code == 0, checked.output
    assert all(table["accepted"] for table in json.loads(checked.stdout)["tables"])
