"""How near the models come to what can be known: sample companies with their truth, one after another.

A world is a sample company of a kind and seed, checked, staged, its features built and each question trained as
`revml train` does; the test is the newest closed window. Truth knows the hidden state (`evaluation/truth.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from companies import room, staged_company
from figures import QUICK, Figures
from records import Record, Records

from revml.datasets import build_datasets
from revml.errors import NotEnoughData
from revml.evaluation.truth import COLUMNS, compare_with_truth
from revml.labels import answerable
from revml.sources.samples.kinds import KindName
from revml.training import fit_dataset, try_fitted

KINDS: tuple[KindName, ...] = ("saas", "machinery", "manufacturing")
SEEDS = range(301, 302) if QUICK else range(301, 311)  # seeds that nothing was tuned on
ACCOUNTS, MONTHS = (250, 24) if QUICK else (3_000, 36)
AUC, GAIN, ERROR, INSIDE = 0.90, 0.75, 0.02, 0.9
SIZES = (100, 250) if QUICK else (100, 300, 1_000, 3_000, 10_000)


@dataclass(frozen=True)
class Asked:
    """Which worlds to run."""

    kinds: Sequence[KindName] = KINDS[:1] if QUICK else KINDS
    seeds: Sequence[int] = SEEDS
    accounts: int = ACCOUNTS


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
    gain, reach = (sum(one["rows"] * one[key] for one in trained) for key in ("gain", "reachable"))
    inside = [one["inside"] for one in trained]
    spread = ", ".join(f"{one['auc_ratio']:.2f}/{one['gain_ratio']:.2f}" for one in trained)
    passed = sum(one["passed"] for one in trained)
    print(f"  {name}: AUC/gain of each world {spread}; verdict passed in {passed}; served {_count(trained, 'served')}")
    figures.at_least(f"{name}: share of the reachable AUC", float(np.mean([o["auc_ratio"] for o in trained])), AUC, "")
    figures.at_least(f"{name}: share of the reachable log-loss gain", gain / reach, GAIN, "")
    error = float(np.mean([one["calibration_error"] for one in trained]))
    figures.at_most(f"{name}: calibration error", error, ERROR, "")
    figures.at_least(f"{name}: worlds with observed events inside 95 %", sum(inside) / len(inside), INSIDE, "")


def _count(found: Iterable[Record], key: str) -> str:
    names = [str(one[key]) for one in found]
    return ", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(names))


def world(records: Records, kind: KindName, seed: int, accounts: int, months: int = MONTHS) -> list[Record]:
    """The records of a world, a question each."""
    return records.once(f"{kind} {seed} {accounts} {months}", lambda: _world(kind, seed, accounts, months))


def _world(kind: KindName, seed: int, accounts: int, months: int) -> list[Record]:
    began, found = time.perf_counter(), []
    with room() as folder:
        workspace, facts = staged_company(
            folder, kind=kind, accounts=accounts, months=months, seed=seed, events=30_000 if QUICK else None
        )
        refused: dict = {}
        able = [question for question in COLUMNS if question in answerable(facts)]
        datasets = build_datasets(workspace, facts, able, refused=refused)
        built = time.perf_counter()
        for question in able:
            record: Record = {"kind": kind, "seed": seed, "accounts": accounts, "question": question}
            try:
                fitted = fit_dataset(workspace, datasets[question], threads=1)
            except (KeyError, NotEnoughData):
                found.append(record)
                continue
            predictions, _, told, verdict = try_fitted(workspace, fitted)
            truth = compare_with_truth(predictions, folder / "data" / "truth", question, told.constant)
            found.append(
                {
                    **record,
                    "served": fitted.climbed.served,
                    "passed": verdict.passed,
                    "rows": truth.rows,
                    "events": truth.events,
                    "auc_ratio": truth.auc_ratio,
                    "gain_ratio": truth.gain_ratio,
                    "gain": truth.log_loss_constant - truth.log_loss,
                    "reachable": truth.log_loss_constant - truth.log_loss_truth,
                    "calibration_error": told.values["calibration_error"].value,
                    "inside": bool(told.expected.inside),
                    "expected": told.expected.to_json(),
                }
            )
        facts.con.close()
    took = time.perf_counter()
    print(
        f"  {kind} {seed}, {accounts:,} accounts: built in {built - began:.0f} s, trained in {took - built:.0f} s",
        flush=True,
    )
    return found
