"""The file job: what comes out for what goes in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.explanations.reader import Reader
from revml.exports import plain
from revml.file_job import FileScores, reading, score_file
from revml.models.bundle import Bundle
from revml.service.decoding import Decoder
from tests.explanations.literal_bundles import FEATURES


def job(bundle: Bundle, source: Path, target: Path, **options: Any) -> FileScores:
    """A job of a company that counts in euro."""
    return score_file(bundle, source, target, currency="EUR", **options)


@pytest.fixture
def source(tmp_path: Path, rows: pd.DataFrame) -> Path:
    """The rows as a Parquet file of several row groups, with a column that the model does not know."""
    path = tmp_path / "rows.parquet"
    rows.assign(region="north").to_parquet(path, row_group_size=70)
    return path


def test_probabilities_are_the_bundles_to_the_bit(
    bundle: Bundle, source: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the rows, band and curve with them, however many batches there were."""
    monkeypatch.setattr(reading, "BATCH_ROWS", 37)
    told = job(bundle, source, tmp_path / "out.parquet")
    out = pd.read_parquet(tmp_path / "out.parquet")
    wanted = bundle.predict(rows)
    assert out["account_id"].tolist() == rows["account_id"].tolist()
    assert out["probability"].tolist() == wanted.tolist()
    assert out["band"].tolist() == bundle.bands.of(wanted).tolist()
    assert out["probability_90d"].tolist() == out["probability"].tolist()
    assert told.rows == 300
    assert told.bands == {band: int((out["band"] == band).sum()) for band in ("low", "medium", "high")}


def test_reasons_are_those_of_the_service(bundle: Bundle, source: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    """The same concepts, features, strengths and sentences for each row as a request gets, in both languages."""
    job(bundle, source, tmp_path / "out.parquet", languages=("en", "cs"))
    out = pd.read_parquet(tmp_path / "out.parquet").astype(object)
    records = json.loads(rows[list(FEATURES)].astype(object).to_json(orient="records", double_precision=15))
    exact = [
        {name: (float(rows[name][i]) if isinstance(value, (int, float)) else value) for name, value in one.items()}
        for i, one in enumerate(records)
    ]
    reader = Reader(bundle, currency="EUR")
    read = reader.read(Decoder(bundle, max_rows=1000).rows(exact).rows, top=4)
    for language in ("en", "cs"):
        for i, wanted in enumerate(reader.reasons(read, language)):
            mine = [
                {
                    "concept": out[f"reason_{rank}_concept"][i],
                    "feature": out[f"reason_{rank}_feature"][i],
                    "contribution": out[f"reason_{rank}_contribution"][i],
                    "text": out[f"reason_{rank}_{language}"][i],
                }
                for rank in range(1, 5)
                if isinstance(out[f"reason_{rank}_{language}"][i], str)
            ]
            assert mine == [{key: one[key] for key in ("concept", "feature", "contribution", "text")} for one in wanted]


def test_kept_columns_come_along_and_others_do_not(bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """One language needs no suffix; a score alone has no reasons."""
    job(bundle, source, tmp_path / "out.parquet", keep=["region", "mrr"], reasons=1)
    assert pq.read_schema(tmp_path / "out.parquet").names == [
        *("account_id", "region", "mrr", "probability", "band", "probability_30d", "probability_90d"),
        *("reason_1", "reason_1_concept", "reason_1_feature", "reason_1_contribution"),
    ]
    job(bundle, source, tmp_path / "alone.parquet", reasons=0)
    alone = pq.read_schema(tmp_path / "alone.parquet")
    assert alone.names == ["account_id", "probability", "band", "probability_30d", "probability_90d"]
    assert json.loads(alone.metadata[b"model"])["bundle"] == bundle.hash


@pytest.mark.parametrize("kind", ["csv", "semicolon", "arrow", "feather", "folder"])
def test_every_kind_of_file_gives_the_same(
    bundle: Bundle, source: Path, rows: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    """CSV of either separator, an Arrow stream, a Feather file with categories in codes, a folder of Parquet."""
    table = pa.Table.from_pandas(rows[["account_id", *FEATURES]], preserve_index=False)
    place = tmp_path / f"given.{kind}"
    if kind in ("csv", "semicolon"):
        place = tmp_path / "given.csv"
        flags = rows["auto_renew"].map({1.0: "true", 0.0: "No"})
        rows.assign(auto_renew=flags).to_csv(place, index=False, sep=";" if kind == "semicolon" else ",")
    elif kind == "arrow":
        with pa.ipc.new_stream(place, table.schema) as stream:
            stream.write_table(table, max_chunksize=100)
    elif kind == "feather":
        rows.astype({"plan": "category"}).to_feather(place)
    else:
        place = tmp_path / "parts"
        place.mkdir()
        pq.write_table(table.slice(0, 100), place / "part-0.parquet")
        pq.write_table(table.slice(100).select(reversed(table.column_names)), place / "part-1.parquet")
        (place / "_SUCCESS").touch()
    job(bundle, source, tmp_path / "wanted.parquet")
    job(bundle, place, tmp_path / "out.parquet")
    wanted, out = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("wanted", "out"))
    if "csv" in str(place):  # float32 in decimal text reads back to the nearest float64
        assert np.allclose(out["probability"], wanted["probability"], atol=1e-6)
        assert out["reason_1_feature"].tolist() == wanted["reason_1_feature"].tolist()
    else:
        pd.testing.assert_frame_equal(out, wanted, check_exact=True)


def test_csv_reads_back_and_no_spreadsheet_runs_it(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Numbers are left alone, a formula among the ids gets its apostrophe."""
    path = tmp_path / "rows.parquet"
    rows.assign(account_id=["=1+1", *rows["account_id"][1:]]).to_parquet(path)
    job(bundle, path, tmp_path / "out.parquet")
    job(bundle, path, tmp_path / "out.csv")
    wanted, out = pd.read_parquet(tmp_path / "out.parquet"), pd.read_csv(tmp_path / "out.csv")
    assert out["account_id"][0] == "'=1+1"
    assert [plain(one) for one in out["account_id"]] == wanted["account_id"].tolist()
    assert out["probability"].tolist() == wanted["probability"].tolist()
    assert out["reason_1_contribution"].tolist() == wanted["reason_1_contribution"].tolist()


def test_what_is_odd_is_counted(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """Categories that the model never saw are scored as unknown ones; repeated ids are scored each."""
    path = tmp_path / "rows.parquet"
    odd = rows.assign(plan=["gold"] * 3 + rows["plan"].tolist()[3:])
    odd.loc[7, "account_id"] = odd.loc[5, "account_id"]
    odd.to_parquet(path)
    told = job(bundle, path, tmp_path / "out.parquet")
    assert (told.unseen, told.repeated_ids, told.first_repeated) == ({"plan": 3}, 1, 8)
    unknown = bundle.predict(odd.assign(plan=[None] * 3 + rows["plan"].tolist()[3:]))
    assert pd.read_parquet(tmp_path / "out.parquet")["probability"].tolist() == unknown.tolist()


def test_infinity_is_unknown_as_the_bundle_has_it(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """To the bit what the bundle says of the same rows."""
    odd = rows.assign(mrr=[np.inf, *rows["mrr"][1:]])
    odd.to_parquet(tmp_path / "rows.parquet")
    job(bundle, tmp_path / "rows.parquet", tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["probability"].tolist() == bundle.predict(odd).tolist()


def test_ids_may_be_numbers(bundle: Bundle, rows: pd.DataFrame, tmp_path: Path) -> None:
    """They come out as they went in."""
    rows.assign(customer=np.arange(300)).to_parquet(tmp_path / "rows.parquet")
    job(bundle, tmp_path / "rows.parquet", tmp_path / "out.parquet", id="customer")
    assert pq.read_table(tmp_path / "out.parquet")["customer"].to_pylist() == list(range(300))
