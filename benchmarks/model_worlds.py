"""How near the models come to what can be known: companies with their truth, one after another.

A world is a company of a kind and seed, checked, staged, its features built and each question trained as `revml train`
does; the test is the newest closed window. Truth knows the hidden state (`evaluation/truth.py`). Beside it, on the same
rows of the same worlds, stands the plain LightGBM of `peers/plain_lightgbm.py`.

A calibration error against outcomes is partly their noise, in ten tenths of some hundred rows: what the truth itself
scores on the same rows is told beside it, and a figure of its own, in the same tenths, is the distance to the true
probabilities.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from companies import Kind, room, staged_company
from figures import QUICK, Figures
from peers.plain_lightgbm import contract_features, order_features, plain_lightgbm
from records import Record, Records

from revml.config import QuestionName
from revml.datasets import Dataset, build_datasets
from revml.errors import NotEnoughData
from revml.evaluation.metrics import calibration_error, equal_mass_bins
from revml.evaluation.truth import COLUMNS, Truth, compare_with_truth
from revml.labels import answerable
from revml.sources.known import Known
from revml.training import fit_dataset, try_fitted

KINDS: tuple[Kind, ...] = ("saas", "machinery", "manufacturing", "other")
SEEDS = range(301, 302) if QUICK else range(301, 311)  # seeds that nothing was tuned on
ACCOUNTS, MONTHS = (250, 24) if QUICK else (3_000, 36)
AUC, GAIN, ERROR, INSIDE, AHEAD = 0.90, 0.75, 0.02, 0.9, 1.0
SIZES = (100, 250) if QUICK else (100, 300, 1_000, 3_000, 10_000)


@dataclass(frozen=True)
class Asked:
    """Which worlds to run; questions: of which the peers are asked."""

    kinds: Sequence[Kind] = KINDS[:1] if QUICK else KINDS
    seeds: Sequence[int] = SEEDS
    accounts: int = ACCOUNTS
    questions: Sequence[QuestionName] = tuple(COLUMNS)


def worlds(figures: Figures, records: Records, asked: Asked) -> None:
    """Print the figures of the worlds, a kind and question at a time."""
    for kind in asked.kinds:
        found = [one for seed in asked.seeds for one in world(records, kind, seed, asked.accounts)]
        for question in COLUMNS:
            mine = [one for one in found if one["question"] == question]
            if mine:
                _print(figures, f"{kind} {question}", mine)


def _print(figures: Figures, name: str, found: Sequence[Record]) -> None:
    """Means over worlds; a gain is one of sums, for a world with few events would outweigh the others."""
    trained = [one for one in found if "auc_ratio" in one]
    if len(trained) < len(found):
        print(f"  {name}: {len(found) - len(trained)} of {len(found)} worlds with too little data")
    if not trained:
        return
    gain, theirs, reach = (sum(one["rows"] * one[key] for one in trained) for key in ("gain", "peer_gain", "reachable"))
    inside = [one["inside"] for one in trained]
    spread = ", ".join(f"{one['auc_ratio']:.2f}/{one['gain_ratio']:.2f}" for one in trained)
    peers = ", ".join(f"{one['peer_auc_ratio']:.2f}/{one['peer_gain_ratio']:.2f}" for one in trained)
    passed = sum(one["passed"] for one in trained)
    print(f"  {name}: AUC/gain of each world {spread}; verdict passed in {passed}; served {_count(trained, 'served')}")
    share = f"{_mean(trained, 'peer_auc_ratio'):.3f} of the AUC, {theirs / reach:.3f} of the gain"
    print(f"  {name}: plain LightGBM {peers}; {share}")
    came = ", ".join(f"{one['events']} ({one['expected_truth']:.0f})" for one in trained)
    print(f"  {name}: events (expected by the truth) {came}")
    figures.at_least(f"{name}: share of the reachable AUC", _mean(trained, "auc_ratio"), AUC, "")
    figures.at_least(f"{name}: share of the reachable log-loss gain", gain / reach, GAIN, "")
    if theirs > 0:
        figures.at_least(f"{name}: gain, revml / plain LightGBM", gain / theirs, AHEAD)
    else:
        figures.at_least(f"{name}: gain less plain LightGBM's, which is none", (gain - theirs) / reach, 0, "")
    print(
        f"  {name}: calibration error of the truth itself {_mean(trained, 'calibration_error_truth'):.4f}, "
        f"of plain LightGBM {_mean(trained, 'peer_calibration_error'):.4f}"
    )
    figures.at_most(f"{name}: calibration error", _mean(trained, "calibration_error"), ERROR, "")
    figures.at_most(f"{name}: calibration error against the truth", _mean(trained, "calibration_off_truth"), ERROR, "")
    figures.at_least(f"{name}: worlds with observed events inside 95 %", sum(inside) / len(inside), INSIDE, "")


def _mean(found: Sequence[Record], key: str) -> float:
    return float(np.mean([one[key] for one in found]))


def _count(found: Iterable[Record], key: str) -> str:
    names = [str(one[key]) for one in found]
    return ", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(names))


def world(records: Records, kind: Kind, seed: int, accounts: int, months: int = MONTHS) -> list[Record]:
    """The records of a world, a question each."""
    return records.once(f"world {kind} {seed} {accounts} {months}", lambda: _world(kind, seed, accounts, months))


def asked_of(facts: Known, folder: Path) -> list[QuestionName]:
    """The questions that a company's tables can answer and its truth knows."""
    known = pd.read_parquet(folder / "data" / "truth" / "account_months.parquet").columns
    return [question for question in COLUMNS if question in answerable(facts) and f"{COLUMNS[question]}_90d" in known]


def _world(kind: Kind, seed: int, accounts: int, months: int) -> list[Record]:
    began, found = time.perf_counter(), []
    peer_seconds = 0.0
    with room() as folder:
        workspace, facts = staged_company(
            folder, kind=kind, accounts=accounts, months=months, seed=seed, events=30_000 if QUICK else None
        )
        able = asked_of(facts, folder)
        datasets = build_datasets(workspace, facts, able, refused={})
        built = time.perf_counter()
        features: dict[Callable[..., pd.DataFrame], pd.DataFrame] = {}
        for question in able:
            record: Record = {"kind": kind, "seed": seed, "accounts": accounts, "question": question}
            try:
                fitted = fit_dataset(workspace, datasets[question], threads=1)
            except (KeyError, NotEnoughData):
                found.append(record)
                continue
            predictions, _, told, verdict = try_fitted(workspace, fitted)
            truth = compare_with_truth(predictions, folder / "data" / "truth", question, told.constant)
            started = time.perf_counter()
            build = order_features if question in ("lapse", "growth") else contract_features
            if build not in features:
                keys = pd.concat([d.frame[["account_id", "as_of"]] for d in datasets.values()]).drop_duplicates()
                features[build] = build(folder / "data", keys)
            theirs = _peer(features[build], datasets[question], predictions)
            peer_seconds += time.perf_counter() - started
            peer = compare_with_truth(theirs, folder / "data" / "truth", question, told.constant)
            found.append(
                {
                    **record,
                    "served": fitted.climbed.served,
                    "passed": verdict.passed,
                    "rows": truth.rows,
                    "events": truth.events,
                    "auc_truth": truth.auc_truth,
                    "auc_ratio": truth.auc_ratio,
                    "gain_ratio": truth.gain_ratio,
                    "gain": truth.log_loss_constant - truth.log_loss,
                    "reachable": truth.log_loss_constant - truth.log_loss_truth,
                    "calibration_error": told.values["calibration_error"].value,
                    **_calibration(predictions, theirs, folder / "data" / "truth", question),
                    "inside": bool(told.expected.inside),
                    "expected": told.expected.to_json(),
                    **_of_peer(peer),
                }
            )
        facts.con.close()
    took = time.perf_counter() - built - peer_seconds
    print(
        f"  {kind} {seed}, {accounts:,} accounts: built in {built - began:.0f} s, trained in {took:.0f} s, "
        f"plain LightGBM in {peer_seconds:.0f} s",
        flush=True,
    )
    return found


def _peer(features: pd.DataFrame, dataset: Dataset, predictions: pd.DataFrame) -> pd.DataFrame:
    """The same test rows with the peer's probabilities."""
    columns = ["account_id", "as_of", "label"]
    train, valid = (dataset.part(part)[columns] for part in ("train", "valid"))
    return predictions.assign(probability=plain_lightgbm(features, train, valid, predictions[columns]))


def _of_peer(told: Truth) -> Record:
    return {
        "peer_auc_ratio": told.auc_ratio,
        "peer_gain_ratio": told.gain_ratio,
        "peer_gain": told.log_loss_constant - told.log_loss,
    }


def _calibration(ours: pd.DataFrame, theirs: pd.DataFrame, folder: Path, question: str) -> Record:
    """Calibration errors in tenths: of the truth and the peer against outcomes, of the model against the truth."""
    column = f"{COLUMNS[question]}_90d"
    months = pd.read_parquet(folder / "account_months.parquet", columns=["account_id", "as_of", column]).dropna()
    rows = ours.assign(peer=theirs["probability"].to_numpy()).merge(months, on=["account_id", "as_of"])
    label, true, p, peer = (rows[name].to_numpy(float) for name in ("label", column, "probability", "peer"))
    return {
        "expected_truth": float(true.sum()),
        "calibration_error_truth": calibration_error(true, label, equal_mass_bins(true)),
        "calibration_off_truth": calibration_error(p, true, equal_mass_bins(p)),
        "peer_calibration_error": calibration_error(peer, label, equal_mass_bins(peer)),
    }
