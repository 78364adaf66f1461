"""Tables in object stores: a real S3 server on loopback, and fsspec's own memory as another protocol."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from revml.errors import ConfigError, DataError
from revml.sources.copies import copied_to
from revml.sources.locate import locate
from revml.sources.staging import stage_workspace
from tests.s3_server import BUCKET, client, only_known_keys, s3_server, upload
from tests.sources.test_files import LINE, LINES, WHOLE, parquet, zstd
from tests.sources.workspaces import ACCOUNTS, ORDERS, quarantined, staged, workspace

PICKED = "order_id, account_id, amount"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(server: str) -> str:
    """The endpoint of a server whose bucket is empty."""
    own = client(server)
    for found in own.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        own.delete_object(Bucket=BUCKET, Key=found["Key"])
    return server


def yaml(endpoint: str, text: str) -> str:
    return f"quarantine_limit: 1\nstorage: {{s3: {{endpoint: '{endpoint}', region: eu-central-1}}}}\n{text}\n"


def orders_at(folder: Path, endpoint: str, path: str, more: str = "") -> list[tuple[object, ...]]:
    """The orders that the check accepts from a place in the bucket; accounts are local."""
    orders = f'data: data\ntables: {{orders: {{path: "{path}"{more}}}}}'
    stage_workspace(workspace(folder, yaml(endpoint, orders), orders=""))
    return staged(folder, "orders", PICKED)


def test_a_prefix_with_contract_tables_is_a_data_folder(tmp_path: Path, bucket: str) -> None:
    """A CSV, a folder of packed CSV, and what is no table at all."""
    upload(
        bucket,
        {
            "crm/accounts.csv": ACCOUNTS.encode(),
            "crm/orders/2024/1.csv.gz": gzip.compress(("".join(LINES[:2])).encode()),
            "crm/orders/2024/2.csv.zst": zstd((LINES[0] + LINES[2]).encode()),
            "crm/orders/_SUCCESS": b"",
            "crm/readme.txt": b"hello",
            "crm-old/orders.csv": b"another prefix",
        },
    )
    stage_workspace(workspace(tmp_path, yaml(bucket, f"data: s3://{BUCKET}/crm"), accounts="", orders=""))
    assert staged(tmp_path, "orders", PICKED) == WHOLE
    assert staged(tmp_path, "accounts", "account_id") == [("a",), ("b",)]


@pytest.mark.parametrize(
    "path", ["lines/1.parquet", "lines", "lines/", "lines/*.parquet", "**/*.parquet", "l*s/?.parquet"]
)
def test_a_file_a_folder_and_a_glob_are_read(tmp_path: Path, bucket: str, path: str) -> None:
    """And nothing beside them."""
    upload(bucket, {"lines/1.parquet": parquet(LINE.format(id=7) + ", 70 AS amount"), "other.csv": b"nothing"})
    assert orders_at(tmp_path, bucket, f"s3://{BUCKET}/{path}") == [("7", "a", 70.0)]


def test_names_of_every_kind_are_read_and_quarantine_names_the_store(tmp_path: Path, bucket: str) -> None:
    """Spaces, quotes, accents and emoji in keys; a bad row and a bad line say which object they came from."""
    upload(
        bucket,
        {
            "li nes/it's číslo 😀.csv": ORDERS.encode(),
            'li nes/100% "x" [1].csv': (LINES[0] + "9,1,never,a,p,1,1\n8,1\n").encode(),
        },
    )
    assert orders_at(tmp_path, bucket, f"s3://{BUCKET}/li nes") == WHOLE
    place = f's3://{BUCKET}/li nes/100% "x" [1].csv'
    assert quarantined(tmp_path, "orders", "source_file") == [(place,), (place,)]


def test_a_database_file_and_a_code_page_are_read(tmp_path: Path, bucket: str) -> None:
    """What works for a file of this machine works for one in a store."""
    with sqlite3.connect(tmp_path / "company.db") as con:
        con.execute("CREATE TABLE lines (order_id, line, ordered_at, account_id, product, quantity, amount)")
        con.execute("INSERT INTO lines VALUES (1, 1, '2024-02-01', 'a', 'p', 1, 10)")
    con.close()
    upload(
        bucket,
        {
            "company.db": (tmp_path / "company.db").read_bytes(),
            "lines.csv": ORDERS.replace(",p,", ",č,").encode("windows-1250"),
        },
    )
    assert orders_at(tmp_path, bucket, f"s3://{BUCKET}/company.db", ", table: lines") == [("1", "a", 10.0)]
    assert orders_at(tmp_path, bucket, f"s3://{BUCKET}/lines.csv", ", encoding: windows-1250") == WHOLE
    assert staged(tmp_path, "orders", "DISTINCT product") == [("č",)]


def test_a_manifest_in_the_store_is_compared(tmp_path: Path, bucket: str) -> None:
    """A part with fewer rows than announced, and one that never came."""
    upload(bucket, {"lines/1.csv": ORDERS.encode()})
    for told, got in (({"1.csv": {"rows": 3}}, "2 rows"), ({"2.csv": {}}, "no such file")):
        upload(bucket, {"lines/manifest.json": json.dumps({"files": told}).encode()})
        with pytest.raises(DataError, match="not what its manifest says") as caught:
            orders_at(tmp_path, bucket, f"s3://{BUCKET}/lines")
        assert caught.value.got == got
    upload(
        bucket, {"lines/2.txt": b"", "lines/manifest.json": b'{"files": {"1.csv": {"rows": 2}, "2.txt": {"bytes": 0}}}'}
    )
    assert orders_at(tmp_path, bucket, f"s3://{BUCKET}/lines/*.csv") == WHOLE


def test_a_table_knows_its_objects_by_size_and_tag(tmp_path: Path, bucket: str) -> None:
    """A later run sees that an object is another one though it bears the same name, and may read it alone."""
    made = workspace(
        tmp_path, yaml(bucket, f"data: data\ntables: {{orders: {{path: 's3://{BUCKET}/lines'}}}}"), orders=""
    )
    upload(bucket, {"lines/1.csv": ORDERS.encode(), "lines/2.csv": ORDERS.encode()})
    before = locate(made)["orders"].parts
    upload(bucket, {"lines/2.csv": ORDERS.replace("20\n", "30\n").encode()})
    after = locate(made)["orders"]
    assert [(part.name, part.path, part.size) for part in before] == [
        (f"{n}.csv", f"s3://{BUCKET}/lines/{n}.csv", len(ORDERS)) for n in (1, 2)
    ]
    assert set(after.parts) - set(before) == {after.parts[1]}
    assert after.only(after.parts[1:]).parts == after.parts[1:]


def test_nothing_stays_of_what_was_fetched(tmp_path: Path, bucket: str) -> None:
    """The copies go with the room."""
    upload(bucket, {"lines/1.csv": ORDERS.encode()})
    orders_at(tmp_path, bucket, f"s3://{BUCKET}/lines")
    assert not list((tmp_path / ".revml").rglob("*.csv"))


def test_environment_variables_alone_are_enough(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual AWS_ENDPOINT_URL, with no word in revml.yaml."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket)
    upload(bucket, {"orders.csv": ORDERS.encode()})
    stage_workspace(
        workspace(tmp_path, f"data: data\ntables: {{orders: {{path: 's3://{BUCKET}/orders.csv'}}}}", orders="")
    )
    assert staged(tmp_path, "orders", PICKED) == WHOLE


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("s3://no-such-bucket-here/lines", "no such bucket"),
        ("s3://no-such-bucket-here/*.csv", "no such bucket"),
        ("s3://no-such-bucket-here/1.csv", "no such bucket"),
        (f"s3://{BUCKET}/gone.csv", "no file for the table orders"),
        (f"s3://{BUCKET}/gone/*.csv", "no file for the table orders"),
    ],
)
def test_what_is_not_there_is_a_data_error(tmp_path: Path, bucket: str, path: str, words: str) -> None:
    """A bucket, a file, a folder."""
    with pytest.raises(DataError, match=words):
        orders_at(tmp_path, bucket, path)


def test_a_store_that_refuses_is_a_data_error_without_secrets(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that the server does not know, given through the environment."""
    monkeypatch.setenv("OUR_KEY", "AKIAWRONGWRONGWRONG1")
    monkeypatch.setenv("OUR_SECRET", "very-s3cret-indeed")
    place = f"data: data\ntables: {{orders: {{path: 's3://{BUCKET}/lines'}}}}\n"
    store = f"storage: {{s3: {{endpoint: '{server}', key: '${{OUR_KEY}}', secret: '${{OUR_SECRET}}'}}}}"
    with only_known_keys(server), pytest.raises(DataError) as caught:
        stage_workspace(workspace(tmp_path, place + store, orders=""))
    assert caught.value.what == "the store refuses"
    assert "very-s3cret-indeed" not in str(caught.value)
    assert "AKIAWRONGWRONGWRONG1" not in str(caught.value)


def test_without_credentials_the_way_out_is_named(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key in the environment; `anonymous: true` needs none."""
    upload(bucket, {"lines/1.csv": ORDERS.encode()}, public=True)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(DataError, match="the store refuses") as caught:
        orders_at(tmp_path, bucket, f"s3://{BUCKET}/lines")
    assert "AWS_ACCESS_KEY_ID" in caught.value.do
    public = yaml(bucket, f"data: data\ntables: {{orders: {{path: 's3://{BUCKET}/lines'}}}}").replace(
        "region:", "anonymous: true, region:"
    )
    stage_workspace(workspace(tmp_path, public, orders=""))
    assert staged(tmp_path, "orders", PICKED) == WHOLE


def test_a_store_that_nobody_answers_for_is_a_data_error(tmp_path: Path, server: str) -> None:
    """Nothing listens at the endpoint."""
    with pytest.raises(DataError, match="cannot be reached"):
        orders_at(tmp_path, "http://127.0.0.1:9", f"s3://{BUCKET}/lines")


def test_secrets_do_not_stand_in_the_file(tmp_path: Path) -> None:
    """A key written out is refused, a variable that is not set is named."""
    with pytest.raises(ConfigError, match=r"storage\.s3\.secret") as shown:
        workspace(tmp_path, "storage: {s3: {key: '${OUR_KEY}', secret: very-s3cret}}")
    assert "very-s3cret" not in str(shown.value)
    with pytest.raises(ConfigError, match="not set") as caught:
        stage_workspace(workspace(tmp_path, "data: s3://acme\nstorage: {s3: {key: '${NO_SUCH_KEY_IS_SET}'}}"))
    assert "NO_SUCH_KEY_IS_SET" in caught.value.wanted


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without s3fs the way out is one pip command."""
    registry = pytest.importorskip("fsspec.registry")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(registry._registry, "s3", raising=False)
    with pytest.raises(ConfigError, match=r"pip install revml\[s3\]"):
        stage_workspace(workspace(tmp_path, yaml("http://127.0.0.1:1/never-opened", "data: s3://acme/crm")))


def test_an_unknown_protocol_is_a_config_error(tmp_path: Path) -> None:
    """s4:// is nothing."""
    with pytest.raises(ConfigError, match="s4:// cannot be opened"):
        stage_workspace(workspace(tmp_path, "data: s4://acme/crm"))


@pytest.mark.parametrize(
    "path", ["memory://crm/orders.csv", "memory://crm/orders", "memory://crm/o*.csv", "memory://crm"]
)
def test_other_protocols_of_fsspec_are_read(tmp_path: Path, path: str) -> None:
    """fsspec's own memory, as gs:// and az:// are with their packages."""
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.pipe("/crm/orders" + (".csv" if path != "memory://crm/orders" else "/1.csv"), ORDERS.encode())
    try:
        text = f"data: data\ntables: {{orders: {{path: '{path}'}}}}"
        if path == "memory://crm":
            store.pipe("/crm/accounts.csv", ACCOUNTS.encode())
            text = f"data: {path}"
        stage_workspace(workspace(tmp_path, text, orders=""))
        assert staged(tmp_path, "orders", PICKED) == WHOLE
    finally:
        store.rm("/crm", recursive=True)


def test_a_name_that_leads_out_of_the_folder_is_left_alone(tmp_path: Path, bucket: str) -> None:
    """A key may hold '..', and no copy leaves the room for it."""
    upload(
        bucket, {"lines/../../../../evil.csv": ORDERS.replace("1,1,", "6,6,").encode(), "lines/1.csv": ORDERS.encode()}
    )
    assert orders_at(tmp_path, bucket, f"s3://{BUCKET}/lines") == WHOLE
    with pytest.raises(DataError, match="leads out of its folder"):
        copied_to(tmp_path, f"s3://{BUCKET}/lines", f"s3://{BUCKET}/lines/../../evil.csv")
