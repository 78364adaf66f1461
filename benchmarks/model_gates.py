"""Worlds in which no honest model exists: labels that are noise, features that know the answer.

Noise: each account is given the labels of another one, month by month, so that labels keep their rhythm and say nothing
about the account. No model may pass. Leak: a column is planted that was written down after the outcome; the guard must
name it and the verdict must not pass. Three plants take turns: a flag with a few errors, a date that only those who
left have, and today's value of a feature that the outcome moved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from companies import room, staged_company
from figures import QUICK, Figures
from records import Record, Records

from revml.config import Workspace
from revml.datasets import Dataset, build_dataset
from revml.evaluation.guard import blocking, guard
from revml.models.sheet import load_sheet
from revml.training import fit_dataset, try_fitted

SEEDS = 2 if QUICK else 20
ACCOUNTS, MONTHS, EVENTS = (250, 24, 30_000) if QUICK else (600, 30, 150_000)
PLANTED = "planted"


def gates(figures: Figures, records: Records) -> None:
    """Print in how many worlds noise was refused, and the leak was found."""
    with room() as folder:
        workspace, facts = staged_company(folder, kind="saas", accounts=ACCOUNTS, months=MONTHS, events=EVENTS)
        honest = build_dataset(workspace, facts, "churn")
        facts.con.close()
        loops: tuple[tuple[str, str, Callable[[int], list[Record]]], ...] = (
            ("noise", "noise: worlds without a model that passed", lambda seed: _noise(workspace, honest, seed)),
            ("leak", "leak: worlds in which it was named and blocked", lambda seed: _leak(workspace, honest, seed)),
        )
        for name, words, one in loops:
            found = [
                r for s in range(SEEDS) for r in records.once(f"{name} {ACCOUNTS} {s}", lambda s=s, one=one: one(s))
            ]
            for told in found:
                if not told["right"]:
                    print(f"  {name}, seed {told['seed']}: {told['got']}", flush=True)
            figures.at_least(f"{words}, of {SEEDS}", sum(told["right"] for told in found), SEEDS, "")


def _noise(workspace: Workspace, honest: Dataset, seed: int) -> list[Record]:
    """Train on labels of other accounts; the guard may not save the verdict, so it is not asked."""
    order = _order(honest.frame, seed)
    frame = honest.frame.copy()
    for _, rows in frame.groupby("as_of").groups.items():
        turn = rows[np.argsort(order.loc[rows].to_numpy(), kind="stable")]
        frame.loc[turn, "label"] = np.roll(honest.frame.loc[turn, "label"].to_numpy(), 1)
    fitted = fit_dataset(workspace.model_copy(update={"seed": seed}), replace(honest, frame=frame), threads=1)
    *_, verdict = try_fitted(workspace, fitted)
    return [{"seed": seed, "right": not verdict.passed, "got": f"{fitted.climbed.served} passed"}]


def _order(frame: pd.DataFrame, seed: int) -> pd.Series:
    """A random number a row, the same for all rows of an account."""
    ids = np.unique(frame["account_id"].to_numpy(str))
    drawn = pd.Series(np.random.default_rng(seed).random(len(ids)), index=ids)
    return pd.Series(drawn.loc[frame["account_id"].to_numpy(str)].to_numpy(), index=frame.index)


def _leak(workspace: Workspace, honest: Dataset, seed: int) -> list[Record]:
    """Plant a column and ask the guard."""
    rng = np.random.default_rng(seed)
    frame, label = honest.frame.copy(), honest.frame["label"].to_numpy(float)
    kind = ("a flag with errors", "a date that leavers have", "today's value")[seed % 3]
    noise = rng.normal(size=len(frame))
    if kind == "a flag with errors":
        frame[PLANTED] = np.where(rng.random(len(frame)) < 0.03, 1 - label, label)
    elif kind == "a date that leavers have":
        frame[PLANTED] = np.where((label > 0) & (rng.random(len(frame)) < 0.9), 30 + 20 * noise, np.nan)
    else:
        frame[PLANTED] = 2.5 * label + noise
    frame[PLANTED] = frame[PLANTED].astype("float32")
    planted = replace(honest, frame=frame, features=(*honest.features, PLANTED))
    sheet = load_sheet(workspace, "churn")
    found = blocking(guard(planted, sheet.pick(planted.features), allow=sheet.allow))
    got = f"{kind}: {', '.join(found) or 'nothing'} named"
    return [{"seed": seed, "right": found == (PLANTED,), "got": got}]
