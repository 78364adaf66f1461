"""Files as people have them: packed, in old code pages, cut off, of parts that do not fit, with any name."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.config import load_workspace
from revml.errors import ConfigError, DataError
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ACCOUNTS, ANY_SHARE, ORDERS, check, quarantined, staged, workspace

PICKED = "order_id, account_id, amount"
WHOLE = [("1", "a", 10.0), ("2", "b", 20.0)]
LINES = ORDERS.splitlines(keepends=True)


def zstd(content: bytes) -> bytes:
    """Content packed with zstd, in two frames."""
    half = len(content) // 2
    return b"".join(pa.compress(part, codec="zstd", asbytes=True) for part in (content[:half], content[half:]))


PACKERS = {"gz": gzip.compress, "zst": zstd}


def orders_in(folder: Path, files: dict[str, bytes], yaml: str = ANY_SHARE) -> list[tuple[object, ...]]:
    """The orders that the check accepts from files of the data folder."""
    made = workspace(folder, yaml, orders="")
    for name, content in files.items():
        file = folder / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    stage_workspace(made)
    return staged(folder, "orders", PICKED)


def parquet(rows: str) -> bytes:
    """The bytes of a Parquet file with the rows of a query."""
    sink = pa.BufferOutputStream()
    pq.write_table(duckdb.sql(rows).to_arrow_table(), sink)
    return bytes(sink.getvalue().to_pybytes())


LINE = """SELECT {id} AS order_id, 1 AS line, DATE '2024-02-01' AS ordered_at, 'a' AS account_id, 'p' AS product,
          1 AS quantity"""


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize(("ending", "separator"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_packed_files_are_read(tmp_path: Path, packer: str, ending: str, separator: str, encoding: str) -> None:
    """gzip and zstd, of commas and tabs, in UTF-8 and UTF-16."""
    content = PACKERS[packer](ORDERS.replace(",", separator).encode(encoding))
    assert orders_in(tmp_path, {f"orders.{ending}.{packer}": content}) == WHOLE


def test_a_packed_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    """A file that is packed though its name does not say so is unpacked."""
    assert orders_in(tmp_path, {"orders.csv": gzip.compress(ORDERS.encode())}) == WHOLE


def test_plain_and_packed_parts_are_one_table(tmp_path: Path) -> None:
    """One part of each kind, each row once."""
    parts = [LINES[0] + f"{n},1,2024-02-01,a,p,1,{n}\n" for n in range(3)]
    files = {
        "orders/0.csv": parts[0].encode(),
        "orders/1.csv.gz": gzip.compress(parts[1].encode()),
        "orders/2.csv.zst": zstd(parts[2].encode()),
    }
    assert orders_in(tmp_path, files) == [("0", "a", 0.0), ("1", "a", 1.0), ("2", "a", 2.0)]


MANY = ("".join([LINES[0], *(f"{n},1,2024-02-01,a,p,1,{n * 7919 % 1000}\n" for n in range(60_000))])).encode()


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("missing", [1, 3, 4, 9, 1000, 100_000])
def test_a_packed_file_that_was_cut_off_is_an_error(tmp_path: Path, packer: str, missing: int) -> None:
    """Wherever the cut: in the last checksum, in a block, in the middle."""
    content = PACKERS[packer](MANY)
    with pytest.raises(DataError, match=r"cannot be read|was cut off") as caught:
        orders_in(tmp_path, {f"orders.csv.{packer}": content[:-missing]})
    assert f"orders.csv.{packer}" in caught.value.where


@pytest.mark.parametrize("frame", [b"", b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"])
def test_whole_zstd_files_of_every_shape_are_whole(tmp_path: Path, frame: bytes) -> None:
    """Frames of known and unknown length, and frames that are to be skipped, are no cut."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(ORDERS.encode())
    assert orders_in(tmp_path, {"orders.csv.zst": bytes(sink.getvalue().to_pybytes()) + frame}) == WHOLE


def test_a_parquet_part_that_was_cut_off_is_named(tmp_path: Path) -> None:
    """Of two parts one lacks its end."""
    whole = parquet(LINE.format(id=1) + ", 10 AS amount")
    with pytest.raises(DataError, match="cannot be read") as caught:
        orders_in(tmp_path, {"orders/whole.parquet": whole, "orders/cut.parquet": whole[:-20]})
    assert "cut.parquet" in caught.value.where


@pytest.mark.parametrize("cut", [1 + len("20"), 1 + len("2,20"), 1 + len("b,p,2,20")])
def test_a_csv_cut_off_in_its_last_line_is_an_error(tmp_path: Path, cut: int) -> None:
    """No line break and too few values: no reader may accept that."""
    with pytest.raises(DataError, match="middle of a line") as caught:
        check(tmp_path, orders=ORDERS[:-cut].rstrip(","))
    assert caught.value.where == "orders.csv"


def test_a_last_value_over_two_lines_is_no_cut(tmp_path: Path) -> None:
    """A quoted value that ends the file without a line break is whole."""
    assert (
        check(
            tmp_path,
            accounts=ACCOUNTS.replace("at\n", "at,name\n")
            .replace("00\n", '00,"Sons\nand Co"')
            .replace("01\n", "01,x\n"),
        )
        .table("accounts")
        .accepted
        == 2
    )


def manifest(**figures: object) -> bytes:
    return json.dumps({"files": {"orders.csv": figures}}).encode()


@pytest.mark.parametrize("name", ["manifest.json", "orders.csv.manifest.json"])
def test_a_file_that_its_manifest_describes_is_read(tmp_path: Path, name: str) -> None:
    """Rows, bytes and checksum agree; a line that cannot be read is a row all the same."""
    orders = ORDERS + "3,1\n"
    told = manifest(rows=3, bytes=len(orders), sha256=hashlib.sha256(orders.encode()).hexdigest())
    assert orders_in(tmp_path, {"orders.csv": orders.encode(), name: told}) == WHOLE


@pytest.mark.parametrize(
    ("told", "wanted", "got"),
    [
        ({"rows": 3}, "3 rows", "2 rows"),
        ({"bytes": 1234}, "1,234 bytes", f"{len(ORDERS)} bytes"),
        ({"sha256": "0" * 64}, f"SHA-256 {'0' * 64}", hashlib.sha256(ORDERS.encode()).hexdigest()),
    ],
)
def test_a_csv_cut_off_between_two_lines_is_told_by_its_manifest(
    tmp_path: Path, told: dict[str, object], wanted: str, got: str
) -> None:
    """The error names what was announced and what is there."""
    with pytest.raises(DataError, match=r"orders\.csv is not what its manifest says") as caught:
        orders_in(tmp_path, {"orders.csv": ORDERS.encode(), "manifest.json": manifest(**told)})
    assert (caught.value.wanted, caught.value.got) == (wanted, got)


def test_rows_of_a_parquet_part_are_compared(tmp_path: Path) -> None:
    """A part written again with fewer rows than announced."""
    told = json.dumps({"files": {"a.parquet": {"rows": 2}}}).encode()
    part = parquet(LINE.format(id=1) + ", 10 AS amount")
    with pytest.raises(DataError, match="not what its manifest says") as caught:
        orders_in(tmp_path, {"orders/a.parquet": part, "orders/manifest.json": told})
    assert (caught.value.wanted, caught.value.got) == ("2 rows", "1 rows")


def test_a_part_that_the_manifest_names_and_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A folder whose second part never came."""
    told = json.dumps({"files": {"1.csv": {"rows": 2}, "2.csv": {"rows": 9}}}).encode()
    with pytest.raises(DataError, match=r"2\.csv is not what its manifest says") as caught:
        orders_in(tmp_path, {"orders/1.csv": ORDERS.encode(), "orders/manifest.json": told})
    assert caught.value.got == "no such file"


@pytest.mark.parametrize(
    "broken",
    [
        b"{",
        b"[]",
        b'{"files": 1}',
        b'{"files": {"orders.csv": {"row": 1}}}',
        b'{"files": {"orders.csv": {"rows": "2"}}}',
    ],
)
def test_a_manifest_that_cannot_be_understood_is_an_error(tmp_path: Path, broken: bytes) -> None:
    """Neither ignored nor guessed at."""
    with pytest.raises(DataError) as caught:
        orders_in(tmp_path, {"orders.csv": ORDERS.encode(), "manifest.json": broken})
    assert caught.value.where == "manifest.json"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("windows-1250", "Ščerba, Žďár"), ("latin-1", "Müller"), ("cp852", "Dvořák"), ("shift_jis", "東京")],
)
def test_a_named_encoding_is_read(tmp_path: Path, encoding: str, name: str) -> None:
    """Names of Central Europe, of Western Europe, and of Japan."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "customers.csv").write_bytes(f'account_id,created_at,name\na,2024-01-01,"{name}"\n'.encode(encoding))
    check(tmp_path, f"{ANY_SHARE}tables: {{accounts: {{path: exports/customers.csv, encoding: {encoding}}}}}\n")
    assert staged(tmp_path, "accounts", "name") == [(name,)]


def test_a_named_encoding_may_be_packed_and_in_parts_and_quarantine_names_the_original(tmp_path: Path) -> None:
    """Copies are made, and nobody sees them."""
    made = workspace(tmp_path, f"{ANY_SHARE}tables: {{orders: {{path: parts, encoding: windows-1250}}}}\n", orders="")
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "1.csv").write_bytes(ORDERS.encode("windows-1250"))
    (parts / "2.csv.gz").write_bytes(gzip.compress((LINES[0] + "č,1,never,a,p,1,1\n7,1\n").encode("windows-1250")))
    stage_workspace(made)
    assert staged(tmp_path, "orders", PICKED) == WHOLE
    assert quarantined(tmp_path, "orders", "reason, order_id, source_file") == [
        ("ordered_at is not a time", "č", str(parts / "2.csv.gz")),
        ("the line has too few values", None, str(parts / "2.csv.gz")),
    ]


def test_bytes_that_an_encoding_does_not_have_are_an_error_with_their_line(tmp_path: Path) -> None:
    """0x81 is nothing in windows-1250."""
    (tmp_path / "c.csv").write_bytes(b"account_id,created_at,name\na,2024-01-01,\x81\n")
    with pytest.raises(DataError, match="not text in windows-1250") as caught:
        check(tmp_path, f"{ANY_SHARE}tables: {{accounts: {{path: c.csv, encoding: windows-1250}}}}\n")
    assert (caught.value.where, caught.value.got) == ("c.csv, line 2", "the byte 0x81")


def test_lines_that_are_not_utf8_lead_to_the_key(tmp_path: Path) -> None:
    """The note says which key names the encoding."""
    accounts = (ACCOUNTS + "č,2024-01-01\n").encode("cp1250")
    assert any("encoding: windows-1250" in note for note in check(tmp_path, accounts=accounts).table("accounts").notes)


def test_a_header_that_is_not_utf8_is_an_error_that_leads_to_the_key(tmp_path: Path) -> None:
    """A column called číslo in a code page."""
    with pytest.raises(DataError, match="header line is not UTF-8") as caught:
        check(tmp_path, accounts=ACCOUNTS.replace("at\n", "at,číslo\n").encode("cp1250"))
    assert "encoding:" in caught.value.do


@pytest.mark.parametrize("encoding", ["windows-9999", "base64"])
def test_an_unknown_encoding_is_a_config_error(tmp_path: Path, encoding: str) -> None:
    """And so is one that is not of text."""
    with pytest.raises(ConfigError, match="unknown encoding"):
        check(tmp_path, f"data: data\ntables: {{accounts: {{path: c.csv, encoding: {encoding}}}}}\n")


def test_numbers_widen_from_part_to_part(tmp_path: Path) -> None:
    """Whole numbers in one part, decimals in another, nothing in a third; dates and instants."""
    files = {
        "orders/1.parquet": parquet(LINE.format(id=1) + ", 10 AS amount"),
        "orders/2.parquet": parquet(LINE.format(id=2).replace("DATE", "TIMESTAMP") + ", 20.5::DOUBLE AS amount"),
        "orders/3.parquet": parquet(LINE.format(id=3) + ", 3.25 AS amount, NULL AS cost"),
        "orders/4.parquet": parquet(LINE.format(id=4) + ", 4 AS amount, 1.5 AS cost"),
    }
    assert [row[2] for row in orders_in(tmp_path, files)] == [10.0, 20.5, 3.25, 4.0]


def test_a_column_of_two_types_names_both_files_and_types(tmp_path: Path) -> None:
    """An amount that becomes text half-way."""
    files = {
        "orders/1.parquet": parquet(LINE.format(id=1) + ", 10::BIGINT AS amount"),
        "orders/2.parquet": parquet(LINE.format(id=2) + ", '10,5' AS amount"),
    }
    with pytest.raises(DataError, match="amount has another type in another file") as caught:
        orders_in(tmp_path, files)
    assert caught.value.got == "BIGINT in 1.parquet, VARCHAR in 2.parquet"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_part_without_a_required_column_is_named(tmp_path: Path, kind: str) -> None:
    """Its rows would all go to quarantine otherwise."""
    if kind == "parquet":
        files = {
            "orders/1.parquet": parquet(LINE.format(id=1) + ", 10 AS amount"),
            "orders/2.parquet": parquet(LINE.format(id=2)),
        }
    else:
        files = {
            "orders/1.csv": ORDERS.encode(),
            "orders/2.csv": b"order_id,line,ordered_at,account_id,product,quantity\n",
        }
    with pytest.raises(DataError, match="amount is missing in a file") as caught:
        orders_in(tmp_path, files)
    assert f"2.{kind}" in caught.value.where


def test_a_part_without_an_optional_column_is_read(tmp_path: Path) -> None:
    """The column is empty there."""
    files = {
        "orders/1.csv": ORDERS.encode(),
        "orders/2.csv": (LINES[0][:-1] + ",cost\n7,1,2024-02-01,a,p,1,1,5\n").encode(),
    }
    assert len(orders_in(tmp_path, files)) == 3


def test_an_empty_part_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Nothing at all is not a table without rows; a mere header is."""
    assert orders_in(tmp_path, {"orders/1.csv": ORDERS.encode(), "orders/2.csv": LINES[0].encode()}) == WHOLE
    with pytest.raises(DataError, match="no header line") as caught:
        orders_in(tmp_path, {"orders/3.csv": b""})
    assert caught.value.where == "3.csv"


def test_a_folder_with_the_name_of_a_file_is_a_folder_of_parts(tmp_path: Path) -> None:
    """orders.csv/part-0.csv, as Spark writes it, with its marks and what a broken run left."""
    files = {
        "orders.csv/part-0.csv": ORDERS.encode(),
        "orders.csv/_SUCCESS": b"",
        "orders.csv/.part-0.csv.crc": b"1",
        "orders.csv/_temporary/0/part-1.csv": ORDERS.encode(),
        "orders.csv/._part-0.csv": b"\x00\x05\x16\x07",
    }
    assert orders_in(tmp_path, files) == WHOLE


def test_a_file_that_may_not_be_read_is_a_data_error(tmp_path: Path) -> None:
    """The system's refusal is told with the file's name."""
    made = workspace(tmp_path, orders="")
    refused = Path("/proc/self/mem")  # open to its owner, yet nothing can be read at its start, not even by root
    if not refused.exists():
        pytest.skip("this system has no /proc")
    (tmp_path / "data/orders.csv").symlink_to(refused)
    with pytest.raises(DataError, match="cannot be read") as caught:
        stage_workspace(made)
    assert caught.value.where == "orders.csv"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_data_error(tmp_path: Path) -> None:
    """As above, for whoever is not root."""
    made = workspace(tmp_path)
    (tmp_path / "data/orders.csv").chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        stage_workspace(made)


@pytest.mark.parametrize("folder", ["it's", 'say "x"', "[2024] data", "a*b", "číslo 😀", "50%"])
def test_names_of_every_kind_are_read(tmp_path: Path, folder: str) -> None:
    """Quotes, spaces, brackets, stars and emoji in a folder's and in files' names."""
    home = tmp_path / folder
    parts = home / "parts"
    parts.mkdir(parents=True)
    (parts / f"{folder} 1.csv").write_text(ORDERS)
    (parts / f"{folder} 2.csv").write_text(LINES[0] + "9,1,never,a,p,1,1\n")
    check(home, f"{ANY_SHARE}tables: {{orders: {{path: parts}}}}\n", orders="")
    assert staged(home, "orders", PICKED) == WHOLE
    made = load_workspace(home).quarantine_dir / "orders.parquet"
    assert pq.read_table(made).column("source_file").to_pylist() == [str(parts / f"{folder} 2.csv")]


def test_a_table_says_of_what_files_it_is_made(tmp_path: Path) -> None:
    """Name, path, size and version, so that a later run reads only what is new."""
    from revml.sources.locate import locate

    (part,) = locate(workspace(tmp_path))["orders"].parts
    assert (part.name, part.path, part.size) == ("orders.csv", str(tmp_path / "data/orders.csv"), len(ORDERS))
    os.utime(part.path, (0, datetime(2024, 1, 1, tzinfo=UTC).timestamp()))
    assert locate(workspace(tmp_path, orders=""))["orders"].parts[0].version != part.version
