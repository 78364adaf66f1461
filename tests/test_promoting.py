"""The gate, promotions and roll-backs, on models of a known mechanism; champion and challenger on the same rows."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revml.comparing import Comparison, Window, compared
from revml.config import Tracking, Workspace
from revml.errors import BundleError, ConfigError, GateError, NotFound
from revml.models.baselines import Constant
from revml.models.bundle import Bundle, load_bundle
from revml.models.history import HISTORY, append_entry, read_entries
from revml.models.registry import POINTER, appoint, challenger, champion, history, name_challenger
from revml.models.sheet import load_sheet
from revml.promoting import Row, failing, gate, promote, promote_waiting, roll_back
from revml.training import train_dataset
from tests.made_dataset import made_dataset
from tests.ready_company import DATED, dated_table

AWAY = Tracking(uri="http://127.0.0.1:9")  # no MLflow: what serves must not need it


def _bundle(workspace: Workspace, *, seed: int = 0, months: int = 14, skill: bool = True, **sheet: object) -> Bundle:
    dataset = made_dataset(accounts=250, months=months, seed=seed)
    if not skill:
        shuffled = dataset.frame["label"].sample(frac=1.0, random_state=1).to_numpy()
        dataset = replace(dataset, frame=dataset.frame.assign(label=shuffled))
    told = {"bootstrap_rounds": 30, "rungs": ("constant", "rule", "logistic"), **sheet}
    return train_dataset(workspace, dataset, sheet=load_sheet(workspace, "churn").model_copy(update=told)).bundle


class Models:
    """A champion that learned from noise, a good challenger, and one that learned a year later."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(tracking=AWAY).at(root)
        self.noise = _bundle(self.workspace, skill=False, rungs=("constant", "logistic"))
        self.good = _bundle(self.workspace)
        self.rule = _bundle(self.workspace, rungs=("constant", "rule"))
        self.later = _bundle(self.workspace, months=26)

    def window(self, months: int = 14) -> Window:
        """The test part of the dataset of so many months."""
        dataset = made_dataset(accounts=250, months=months)
        return Window("churn", dataset.part("test"), dataset.spec)

    def rows(self, new: Bundle, old: Bundle | None, months: int = 14) -> tuple[Comparison, dict[str, Row]]:
        """The comparison and the gate's rows by name."""
        told = compared(self.workspace, self.window(months), new, old)
        return told, {row.name: row for row in gate(self.workspace, told)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The models, trained once."""
    return Models(tmp_path_factory.mktemp("models"))


def test_a_better_challenger_beats_the_champion(models: Models) -> None:
    """The paired difference lies below zero in nearly all resamples, and the gate says so."""
    told, rows = models.rows(models.good, models.noise)
    loss = told.differences["log_loss"]
    assert (loss.challenger or 9) < (loss.champion or 0)
    assert (loss.better or 0) > 0.95
    assert rows["beats champion"].ok


def test_a_worse_challenger_does_not(models: Models) -> None:
    """The same two the other way round."""
    _, rows = models.rows(models.noise, models.good)
    assert not rows["beats champion"].ok
    assert not rows["own test"].ok


def test_the_same_twice_differs_in_nothing(models: Models) -> None:
    """A model compared with itself: no difference, no drift of bands, the same reasons, half of the resamples."""
    told = compared(models.workspace, models.window(), models.good, models.good)
    for one in told.differences.values():
        assert (one.low, one.high, one.better) == (0.0, 0.0, 0.5)
    assert (told.changed_band, told.same_first_reason) == (0.0, 1.0)
    assert told.rank_agreement == pytest.approx(1.0)
    assert told.to_json()["top_reasons"]["shared"] == 1.0
    beats = next(row for row in gate(models.workspace, told) if row.name == "beats champion")
    assert (beats.ok, beats.got.endswith("both foretell the same")) == (False, True)


def test_a_machine_that_scores_otherwise_is_named(models: Models) -> None:
    """Golden rows are scored by the gate: they agree here, and a model that says something else is not sound."""
    told, rows = models.rows(models.good, None)
    assert rows["bundle sound"].got.endswith("golden rows agree")
    other = replace(models.good, model=Constant(0.0))
    row = gate(models.workspace, replace(told, challenger=replace(told.challenger, bundle=other)))[0]
    assert (row.name, row.ok) == ("bundle sound", False)
    assert "golden row" in row.got


def test_reasons_that_change_for_most_accounts_are_refused(models: Models) -> None:
    """Less than half of the strongest reasons stay: the row says no, unless the challenger is clearly better."""
    told, _ = models.rows(models.good, models.good)
    assert told.top_reasons is not None
    assert told.top_reasons.shared == 1.0
    away = replace(told, top_reasons=replace(told.top_reasons, shared=0.49))
    row = {row.name: row for row in gate(models.workspace, away)}["reasons stable"]
    assert (row.ok, row.got.endswith("49%")) == (False, True)
    better = replace(told.differences["log_loss"], better=0.99)
    better_one = replace(away, differences={**told.differences, "log_loss": better})
    assert {row.name: row for row in gate(models.workspace, better_one)}["reasons stable"].ok


def test_without_a_champion_the_challenger_is_judged_alone(models: Models) -> None:
    """Nothing to beat; the rows that are about the challenger itself stay."""
    told, rows = models.rows(models.good, None)
    assert (told.champion, told.differences) == (None, {})
    assert {"beats champion", "reasons stable"}.isdisjoint(failing(tuple(rows.values())))
    assert told.challenger.figures is not None


def test_a_window_that_one_has_seen_is_refused(models: Models) -> None:
    """A model that learned a year later has seen the older window; then nothing is left to judge by."""
    told, rows = models.rows(models.good, models.later)
    assert (told.rows, told.closed) == (0, 250)
    assert "the champion learned from data that overlaps 250 of 250 rows" in told.seen
    assert not rows["unseen window"].ok


def test_another_definition_is_another_question(models: Models) -> None:
    """A horizon that revml.yaml no longer asks for is named."""
    window = models.window()
    asked = replace(window, spec=window.spec.model_copy(update={"horizon_days": 180}))
    told = compared(models.workspace, asked, models.good, None)
    rows = {row.name: row for row in gate(models.workspace, told)}
    assert not rows["same question"].ok
    assert "horizon_days 90 for 180" in rows["same question"].got


def test_a_segment_that_is_off_is_named(models: Models) -> None:
    """Where everybody of one industry leaves, the row names it with what was expected and what came."""
    window = models.window()
    rows = window.rows.assign(label=np.where(window.rows["industry"] == "mining", 1, window.rows["label"]))
    told = compared(models.workspace, replace(window, rows=rows), models.good, None)
    row = {row.name: row for row in gate(models.workspace, told)}["calibrated by segment"]
    assert not row.ok
    assert row.got.startswith("industry mining:")


def test_a_comparison_says_of_the_test_what_the_card_says(models: Models) -> None:
    """On the rows of its own test: the same segments, and the same intervals, which hold more than noise."""
    told, _ = models.rows(models.good, models.noise)
    card = models.good.figures
    assert told.challenger.figures is not None
    assert told.challenger.figures.expected.to_json() == pytest.approx(card["expected"], abs=1e-5)
    assert {one["column"] for one in card["segments"]} >= {"industry", "mrr"}
    figures = ("n", "events", "expected", "expected_low", "expected_high", "calibrated")
    for mine, theirs in zip(told.challenger.segments, card["segments"], strict=True):
        assert (mine["column"], mine["value"]) == (theirs["column"], theirs["value"])
        assert [mine[name] for name in figures] == pytest.approx([theirs[name] for name in figures], abs=1e-5)
        assert mine["chance_low"] <= mine["expected_low"] <= mine["expected_high"] <= mine["chance_high"]
    assert told.champion is not None
    assert [one["value"] for one in told.champion.segments] == [one["value"] for one in told.challenger.segments]


def test_a_champion_whose_features_are_gone_need_not_be_beaten(models: Models) -> None:
    """It cannot score any more; the row says which features are missing."""
    window = models.window()
    other = _bundle(models.workspace, seed=3)
    features = [name for name in other.features if name != "noise_5"]
    lean = train_dataset(
        models.workspace,
        replace(made_dataset(accounts=250), features=tuple(features)),
        sheet=load_sheet(models.workspace, "churn").model_copy(update={"bootstrap_rounds": 30, "rungs": ("rule",)}),
    ).bundle
    told = compared(models.workspace, replace(window, rows=window.rows.drop(columns="noise_5")), lean, other)
    row = {row.name: row for row in gate(models.workspace, told)}["beats champion"]
    assert row.ok
    assert "noise_5" in row.got


def test_a_rule_is_called_a_rule(models: Models) -> None:
    """The gate does not ask a rule to beat itself."""
    _, rows = models.rows(models.rule, None)
    assert rows["beats best rule"].got == "it is the best rule, and is called one"


class Company:
    """A company with a dated table of its own, a model of noise and two good ones; MLflow is away all the time."""

    def __init__(self, root: Path) -> None:
        dated_table(accounts=200).to_parquet(root / "table.parquet")
        (root / "revml.yaml").write_text(DATED + "tracking: {uri: 'http://127.0.0.1:9'}\n")
        from revml.config import load_workspace
        from revml.ready import ready_dataset

        self.workspace = load_workspace(root)
        dataset = ready_dataset(self.workspace, "own")
        sheet = load_sheet(self.workspace, "churn").model_copy(update={"bootstrap_rounds": 30})
        mixed = dataset.frame["label"].sample(frac=1.0, random_state=1).to_numpy()
        noise = replace(dataset, frame=dataset.frame.assign(label=mixed))
        made = ((noise, ("logistic",)), (dataset, ("rule", "logistic")), (dataset, ("logistic",)))
        self.bundles = [
            train_dataset(self.workspace, data, sheet=sheet.model_copy(update={"rungs": rungs})).bundle
            for data, rungs in made
        ]
        self.folder = self.bundles[0].folder.parent

    def begin(self) -> list[str]:
        """Nothing but the first as champion; the names of all."""
        for name in (POINTER, HISTORY, "challenger.json"):
            (self.folder / name).unlink(missing_ok=True)
        names = [bundle.folder.name for bundle in self.bundles]
        appoint(self.folder, names[0], None, event="first")
        return names

    def serving(self) -> str:
        """The folder name of the champion."""
        return champion(self.workspace, "churn").folder.name


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company, its models trained once."""
    return Company(tmp_path_factory.mktemp("company"))


def test_promoting_needs_no_mlflow(company: Company) -> None:
    """A challenger that passes serves at once; what could not be told is said with the way to tell it later."""
    names = company.begin()
    name_challenger(company.folder, names[1], None)
    done = promote(company.workspace, None, "churn")
    assert (company.serving(), done.before, done.forced) == (names[1], names[0], False)
    assert "revml register churn" in done.note
    assert challenger(company.workspace, "churn") is None


def test_the_gate_refuses_with_the_failing_row(company: Company) -> None:
    """A challenger that is worse stays one; the error names the row and the champion serves on."""
    names = company.begin()
    appoint(company.folder, names[1], None, event="promote")
    name_challenger(company.folder, names[0], None)
    with pytest.raises(GateError, match="may not be promoted") as refused:
        promote(company.workspace, None, "churn")
    assert "beats champion" in refused.value.got
    assert company.serving() == names[1]
    told = promote_waiting(company.workspace, None, "churn")
    assert told[0].startswith("churn: the champion stays; own test")
    assert "beats champion" in told[0]


def test_force_needs_a_reason_and_is_recorded(company: Company) -> None:
    """Without words it is refused; with them the history holds them and the rows that said no."""
    names = company.begin()
    appoint(company.folder, names[1], None, event="promote")
    with pytest.raises(ConfigError, match="needs a reason"):
        promote(company.workspace, None, "churn", bundle=names[0], force=True, reason=" ")
    assert promote(company.workspace, None, "churn", bundle=names[0], force=True, reason="asked for").forced
    last = history(company.workspace, "churn")[-1]
    assert (last.bundle, last.forced, last.reason) == (names[0], True, "asked for")
    assert "beats champion" in last.failed


def test_rolling_back_walks_down_the_pile(company: Company) -> None:
    """Each roll-back goes one champion back; below the first there is none."""
    names = company.begin()
    appoint(company.folder, names[1], None, event="promote")
    appoint(company.folder, names[2], None, event="promote")
    assert [roll_back(company.workspace, "churn").champion.folder.name for _ in range(2)] == [names[1], names[0]]
    with pytest.raises(NotFound, match="no champion to go back to"):
        roll_back(company.workspace, "churn")
    assert company.serving() == names[0]


def test_the_card_of_whom_serves_lies_in_models(company: Company) -> None:
    """A promotion and a roll-back each leave the new champion's card beside the sheets."""
    names = company.begin()
    folder = company.workspace.root / "models"
    folder.mkdir(exist_ok=True)
    promote(company.workspace, None, "churn", bundle=names[1], force=True, reason="for its card")
    assert names[1] in (folder / "churn.card.md").read_text(encoding="utf-8").splitlines()[0]
    roll_back(company.workspace, "churn")
    assert names[0] in (folder / "churn.card.cs.md").read_text(encoding="utf-8").splitlines()[0]


def test_what_was_rolled_back_does_not_come_back_by_itself(company: Company) -> None:
    """The gate names the roll-back; only force brings that bundle back."""
    names = company.begin()
    appoint(company.folder, names[1], None, event="promote")
    roll_back(company.workspace, "churn", reason="wrong calls")
    with pytest.raises(GateError) as refused:
        promote(company.workspace, None, "churn", bundle=names[1])
    assert "not rolled back" in refused.value.got


def test_rolling_back_to_a_broken_bundle_is_refused(company: Company) -> None:
    """The one that serves stays, and the error names the file."""
    names = company.begin()
    appoint(company.folder, names[1], None, event="promote")
    file = company.folder / names[0] / "calibration.json"
    content = file.read_bytes()
    try:
        file.write_bytes(content.replace(b"0", b"1", 1))
        with pytest.raises(BundleError, match="broken or was altered"):
            roll_back(company.workspace, "churn")
    finally:
        file.write_bytes(content)
    assert company.serving() == names[1]


def test_a_history_cut_by_a_power_failure_is_whole_again(company: Company) -> None:
    """The pointer knows the last change though its line is missing or half there."""
    names = company.begin()
    appoint(company.folder, names[1], None, event="promote")
    file = company.folder / HISTORY
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1][:20])
    assert [e.bundle for e in history(company.workspace, "churn")] == names[:2]
    appoint(company.folder, names[2], None, event="promote")
    assert [e.bundle for e in read_entries(company.folder)] == names
    assert [e.bundle for e in history(company.workspace, "churn")] == names


def test_a_line_of_history_is_json(tmp_path: Path) -> None:
    """One line a change, with all of it."""
    (tmp_path / "b1").mkdir()
    appoint(tmp_path, "b1", None, event="first")
    append_entry(tmp_path, read_entries(tmp_path)[0])
    lines = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert [line["bundle"] for line in lines] == ["b1", "b1"]


def test_one_flipped_bit_in_any_file_is_refused(company: Company, tmp_path: Path) -> None:
    """Every file of a trained bundle, the manifest included: it is named, and nothing of it is loaded."""
    names = sorted(file.name for file in company.bundles[1].folder.iterdir())
    assert {"manifest.json", "features.json", "calibration.json", "reference.json", "card.md"} <= set(names)
    folder = shutil.copytree(company.bundles[1].folder, tmp_path / "bundle")
    for name in names:
        content = (folder / name).read_bytes()
        flipped = bytearray(content)
        flipped[len(flipped) // 2] ^= 1
        (folder / name).write_bytes(bytes(flipped))
        with pytest.raises(BundleError, match=name.replace(".", r"\.")):
            load_bundle(folder)
        (folder / name).write_bytes(content)
    assert load_bundle(folder).hash == company.bundles[1].hash


@pytest.mark.parametrize("pointer", ['{"bundle": "0123456789ab", "version": null}', "{not json", '["b1"]', "{}"])
def test_a_pointer_to_nothing_names_the_way_out(tmp_path: Path, pointer: str) -> None:
    """A missing bundle and broken JSON are told; comparing treats it as no champion, nothing crashes."""
    workspace = Workspace(tracking=AWAY).at(tmp_path)
    folder = workspace.bundles_dir / "churn"
    folder.mkdir(parents=True)
    (folder / POINTER).write_text(pointer)
    with pytest.raises(BundleError, match="which model of churn is in service") as told:
        champion(workspace, "churn")
    assert "restore the folder" in told.value.do
    history(workspace, "churn")
    with pytest.raises(NotFound, match="no champion to go back to"):
        roll_back(workspace, "churn")
