"""Bad pointers, sheets, bundles and disks by the real commands: told in words, and nothing half-written."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from revml.config import Workspace, load_workspace
from revml.errors import BundleError, ConfigError
from revml.models.bundle import SEAL, load_bundle, to_text, write_bundle
from revml.models.registry import appoint
from revml.models.sheet import Selection, load_sheet
from revml.sources.samples import write_sample
from revml.training import train_dataset
from tests.cli.commands import answer, call
from tests.made_dataset import made_dataset
from tests.order_company import order_company
from tests.ready_company import dated_company

WRITE = """
import sys
from pathlib import Path
from revml.models.bundle import write_bundle
write_bundle(Path(sys.argv[1]), {"question": "churn"}, {"model.txt": "x" * 300_000}, {})
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a champion for lapse, made once; tests copy it."""
    folder = tmp_path_factory.mktemp("trained")
    order_company(folder)
    return folder


@pytest.fixture
def company(trained: Path, tmp_path: Path) -> Path:
    """A copy of the company of its own."""
    return Path(shutil.copytree(trained, tmp_path / "company"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that training wrote."""
    root = tmp_path_factory.mktemp("sound")
    (root / "revml.yaml").write_text("data: data\n")
    here = load_workspace(root)
    sheet = load_sheet(here, "churn").model_copy(update={"rungs": ("constant", "rule"), "bootstrap_rounds": 50})
    return train_dataset(here, made_dataset(accounts=100, months=10), sheet=sheet).bundle.folder


@pytest.mark.parametrize("pointer", ["", '{"bundle": ""}', '{"bundle": 3}', '{"bundle": ".."}', "folder"])
def test_a_pointer_that_names_no_bundle_is_told(company: Path, pointer: str) -> None:
    """Scoring stops rather than leave the question out, and the list of models says so too."""
    place = company / ".revml" / "bundles" / "lapse" / "champion.json"
    place.unlink()
    if pointer == "folder":
        place.mkdir()
    else:
        place.write_text(pointer)
    result = call(company, "score")
    assert (result.exit_code, "champion.json" in result.stderr) == (5, True), result.output
    listed = call(company, "models", "lapse", "--local")
    assert (listed.exit_code, "nothing can serve" in listed.stderr) == (0, True), listed.output


def test_a_champion_of_another_question_is_told(company: Path) -> None:
    """A bundle that was copied into the wrong folder never answers that question."""
    bundles = company / ".revml" / "bundles"
    (one,) = (p.parent for p in (bundles / "lapse").glob("*/manifest.json"))
    shutil.copytree(one, bundles / "growth" / one.name)
    appoint(bundles / "growth", one.name, None)
    result = call(company, "score")
    assert (result.exit_code, "a model of lapse" in result.stderr) == (5, True), result.output


@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        ("monotone: {nps_lst: {sign: 1, reason: it is so and always was}}", ["monotone", "did you mean 'nps_last'"]),
        ("allow: {mrrr: it is so and always was}", ["allow", "did you mean 'mrr'"]),
        ("features: {include: [nothing_like_it]}", ["features.include", "nothing_like_it"]),
        ("params: {num_leafs: 3}", ["did you mean 'num_leaves'"]),
        ("params: {learning_rate: fast}", ["learning_rate is a number"]),
        ("candidates: [{objective: regression}]", ["'objective' is no parameter"]),
    ],
)
def test_a_name_in_a_sheet_that_answers_to_nothing_is_refused(company: Path, sheet: str, says: list[str]) -> None:
    """LightGBM and the encoding would pass over it in silence."""
    (company / "models").mkdir(exist_ok=True)
    (company / "models" / "lapse.yaml").write_text(f"question: lapse\n{sheet}\n")
    result = call(company, "train", "lapse")
    assert result.exit_code == 2, result.output
    for word in ("models/lapse.yaml", *says):
        assert word in result.stderr


def test_a_sheet_that_lets_no_feature_in_is_refused(tmp_path: Path) -> None:
    """Before any tree is grown on nothing."""
    sheet = load_sheet(Workspace().at(tmp_path), "churn").model_copy(update={"features": Selection(exclude=("*",))})
    with pytest.raises(ConfigError, match="lets no feature in"):
        train_dataset(Workspace().at(tmp_path), made_dataset(accounts=100, months=10), sheet=sheet)


def test_a_misspelt_question_gets_the_nearest(company: Path) -> None:
    """Exit code 2, as for every name among several."""
    result = call(company, "train", "laps")
    assert (result.exit_code, "did you mean 'lapse'?" in result.stderr) == (2, True), result.output


def test_a_flipped_bit_anywhere_in_the_manifest_is_refused(sound: Path, tmp_path: Path) -> None:
    """Also in what its hash leaves out; where the bit changes no value nothing is altered."""
    folder = Path(shutil.copytree(sound, tmp_path / sound.name))
    place = folder / "manifest.json"
    whole = place.read_bytes()
    begin = whole.index(b'"made"')
    for at in (*range(begin, whole.index(b"}", begin)), *range(0, len(whole), 997)):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        try:
            load_bundle(folder)
        except BundleError:
            continue
        assert json.loads(place.read_bytes()) == json.loads(whole), at


def test_a_bundle_of_before_without_a_seal_is_read(sound: Path, tmp_path: Path) -> None:
    """Its hash covers what predicts."""
    folder = Path(shutil.copytree(sound, tmp_path / sound.name))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest[SEAL]
    (folder / "manifest.json").write_text(to_text(manifest), encoding="utf-8")
    assert load_bundle(folder).hash == manifest["hash"]


def test_a_disk_that_is_full_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """A real process that may write no file above 100 kB."""
    small = (100_000, 100_000)
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, small),
    )
    assert "BundleError" in done.stderr
    assert "the model cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    """Where bundles belong stands a file."""
    (tmp_path / "churn").write_text("")
    with pytest.raises(BundleError, match="cannot be written"):
        write_bundle(tmp_path / "churn", {"question": "churn"}, {"model.txt": "x"}, {})


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a feature table by month and a model that serves; tests copy it."""
    folder = tmp_path_factory.mktemp("own")
    dated_company(folder)
    (folder / "models").mkdir()
    (folder / "models" / "own.yaml").write_text("question: churn\nbootstrap_rounds: 50\nrungs: [rule, logistic]\n")
    result = call(folder, "train", "churn")
    assert "is champion" in result.output, result.output
    return folder


@pytest.fixture
def own_company(own: Path, tmp_path: Path) -> Path:
    """A copy of that company of its own."""
    return Path(shutil.copytree(own, tmp_path / "own"))


def test_columns_gone_after_training_are_named_and_nobody_is_scored(own_company: Path) -> None:
    """Exit code 5 and the column, from the run and from a file; what was published stays unpublished, never zeros."""
    lean = pd.read_parquet(own_company / "table.parquet").drop(columns=["health", "vip"])
    lean.to_parquet(own_company / "table.parquet")
    result = call(own_company, "score")
    assert (result.exit_code, "wanted: health, vip" in result.stderr) == (5, True), result.output
    lean.to_csv(own_company / "rows.csv", index=False)
    result = call(own_company, "score-file", "churn", str(own_company / "rows.csv"), str(own_company / "out.csv"))
    assert result.exit_code != 0, result.output
    assert "health" in result.stderr
    assert not (own_company / "out.csv").exists()


def test_a_column_that_is_empty_now_is_told(own_company: Path) -> None:
    """It is scored as unknown, which the model knows how to take, and the run says that a feed may have stopped."""
    assert "known for nobody now" not in call(own_company, "score").output
    table = pd.read_parquet(own_company / "table.parquet").assign(health=float("nan"))
    table.to_parquet(own_company / "table.parquet")
    result = call(own_company, "score")
    assert (result.exit_code, "churn: health were known" in result.output) == (0, True), result.output


def test_a_category_never_seen_is_scored_and_told(tmp_path: Path) -> None:
    """It counts as unknown; the run names the column, the value and how many accounts have it."""
    dated_company(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.yaml").write_text("question: churn\nbootstrap_rounds: 50\nrungs: [rule, logistic]\n")
    table = pd.read_parquet(tmp_path / "table.parquet")
    plan = table["vip"].map({True: "gold", False: "silver"})
    table = table.drop(columns="vip").assign(plan=plan)
    table.to_parquet(tmp_path / "table.parquet")
    assert "is champion" in call(tmp_path, "train", "churn").output
    assert "new since training" not in call(tmp_path, "score").output
    newest = table["month"] == table["month"].max()
    table.loc[newest & (plan == "gold"), "plan"] = "platinum"
    table.to_parquet(tmp_path / "table.parquet")
    told = answer(tmp_path, "score")
    [note] = [one for one in told["notes"] if "new since training" in one]
    assert f"churn: plan of {(newest & (plan == 'gold')).sum()} accounts is new since training (platinum)" in note
    assert told["questions"][0]["accounts"] == newest.sum()


def test_a_ready_table_has_no_past_to_replay(own_company: Path) -> None:
    """A back-test says so rather than ask for a check, and training does not advise one."""
    result = call(own_company, "backtest", "churn")
    assert (result.exit_code, "its past cannot be replayed" in result.stderr) == (2, True), result.output
    assert "revml backtest" not in call(own_company, "train", "churn").output


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ("all", 4, "0 of 150 accounts"),
        ("test", 0, "the test window holds one class only"),
    ],
)
def test_windows_of_one_class_train_nothing_that_serves(tmp_path: Path, rows: str, code: int, says: str) -> None:
    """All rows without the event are too little; a test window without it says that nothing can be said."""
    dated_company(tmp_path)
    table = pd.read_parquet(tmp_path / "table.parquet")
    late = table["month"] >= sorted(table["month"].unique())[-5]
    table.loc[table["left"].notna() & ((rows == "all") | late), "left"] = 0.0
    table.to_parquet(tmp_path / "table.parquet")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.yaml").write_text("question: churn\nbootstrap_rounds: 50\nrungs: [rule, logistic]\n")
    result = call(tmp_path, "train", "churn")
    assert (result.exit_code, says in result.output) == (code, True), result.output
    assert "is champion" not in result.output


def test_a_horizon_beyond_the_history_is_told(own_company: Path) -> None:
    """Exit code 4 with what is wanted, and the champion of before serves on."""
    text = (own_company / "revml.yaml").read_text()
    (own_company / "revml.yaml").write_text(text.replace("horizon_days: 60", "horizon_days: 900"))
    result = call(own_company, "train", "churn")
    assert (result.exit_code, "history is too short" in result.stderr) == (4, True), result.output
    assert "champion" in call(own_company, "models", "churn", "--local").output


def test_a_segment_that_lacks_every_feature_is_scored_like_the_unknown(tmp_path: Path) -> None:
    """A third of the accounts with nothing but empties: a model is trained, and each of them gets a probability."""
    dated_company(tmp_path)
    table = pd.read_parquet(tmp_path / "table.parquet")
    blank = table["customer"] % 3 == 0
    table.loc[blank, ["health", "signed", "renewed"]] = None
    table["vip"] = table["vip"].astype("object").where(~blank, None)
    table.to_parquet(tmp_path / "table.parquet")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.yaml").write_text("question: churn\nbootstrap_rounds: 50\nrungs: [rule, logistic]\n")
    assert call(tmp_path, "train", "churn").exit_code == 0
    assert call(tmp_path, "score").exit_code == 0
    rows = answer(tmp_path, "accounts", "--limit", "1000")
    unknown = {row["score"]["probability"] for row in rows if int(row["account"]["account_id"]) % 3 == 0}
    assert len(rows) == 150
    assert len(unknown) == 1
    assert 0 < unknown.pop() < 1


def test_a_table_that_is_gone_after_it_was_stored_costs_its_features_only(tmp_path: Path) -> None:
    """What was kept of each day of use is not asked once the table is gone; the other features are built."""
    write_sample(tmp_path / "data", kind="saas", accounts=60, months=12, seed=5, events=3_000)
    (tmp_path / "revml.yaml").write_text("data: data\n")
    for words in (["check"], ["build"]):
        result = call(tmp_path, *words)
        assert result.exit_code == 0, result.output
    for gone in (tmp_path / "data").glob("usage*"):
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    for words in (["check", "--accept-changes"], ["build"]):
        result = call(tmp_path, *words)
        assert result.exit_code == 0, result.output
