"""revml beside AutoGluon (medium quality) and FLAML: the same feature table, the same CPU time, the same test rows.

What revml needs for a question (choosing, fitting and calibrating; features are there already) is measured, and both
peers are given as long on one CPU (by the clock, for that is what they can be told; on a busy machine it slows all
alike); the CPU seconds that each really took are printed. They get the newest learning window to validate on, as revml
does, and refit on all rows. A figure is the lower end of the 95 % interval of
revml's log-loss minus the peer's, accounts resampled whole: above zero, the peer is better beyond noise.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
from companies import Kind, room, staged_company
from figures import QUICK, Figures
from model_worlds import MONTHS, Asked, asked_of
from peers import environment
from records import Record, Records

from revml.config import QuestionName, Workspace, load_workspace
from revml.datasets import Dataset, build_datasets
from revml.errors import NotEnoughData
from revml.evaluation.metrics import log_losses, roc_auc
from revml.models.encoding import Encoding
from revml.models.folds import account_numbers, folds_by_account
from revml.models.ladder import climb
from revml.models.learning import Learning
from revml.models.sheet import load_sheet
from revml.ready import LEAST, check_ready
from revml.sources.ready import read_ready
from revml.training import fit_dataset

PEERS = {
    "autogluon": ("autogluon_tables.py", ("autogluon.tabular[catboost,lightgbm]==1.6.3",)),
    "flaml": ("flaml_tables.py", ("flaml[automl]==2.7.0", "pandas==2.3.3", "pyarrow==24.0.0")),
}
QUESTIONS: dict[Kind, tuple[QuestionName, ...]] = {
    "saas": ("churn", "contraction", "upsell"),
    "machinery": ("churn", "contraction", "upsell", "lapse", "growth"),
    "manufacturing": ("lapse", "growth"),
    "other": ("churn", "upsell"),
}
TELCO = Path(__file__).parents[2] / "shared" / "data" / "telco" / "telco_21_columns.csv"
RESAMPLES = 1_000
LEAST_SECONDS = 10.0  # less than that is no time for a search


def peers(figures: Figures, records: Records, asked: Asked) -> None:
    """Print the comparison on one world a kind, a question at a time."""
    pythons = _pythons()
    if not pythons:
        return
    for kind in asked.kinds:
        keys = {
            question: f"peers {', '.join(pythons)} {kind} {asked.seeds[0]} {asked.accounts} {question}"
            for question in QUESTIONS[kind][: 1 if QUICK else None]
            if question in asked.questions
        }
        if any(key not in records for key in keys.values()):
            _company(kind, asked.seeds[0], asked.accounts, keys, records, pythons)
        for key in keys.values():
            _print(figures, records.once(key, list))


def telco(figures: Figures, records: Records) -> None:
    """Print the comparison on the Telco table, five stratified folds, where the data are present."""
    if not TELCO.is_file():
        print("  telco is not there: skipped")
        return
    pythons = _pythons()
    if pythons:
        _print(figures, records.once(f"telco {', '.join(pythons)}", lambda: _telco(pythons)))


def _pythons() -> dict[str, Path]:
    found = {}
    for name, (_, packages) in PEERS.items():
        if QUICK and not environment.ready(*packages):
            print(f"  {name}: no environment; the quick version makes none")
            continue
        python = environment.python_with(*packages)
        if python is not None:
            found[name] = python
    return found


def _company(
    kind: Kind, seed: int, accounts: int, keys: dict[QuestionName, str], records: Records, pythons: dict[str, Path]
) -> None:
    """Compare on the questions that are not known yet, and keep each as it comes."""
    with room() as folder:
        workspace, facts = staged_company(
            folder, kind=kind, accounts=accounts, months=MONTHS, seed=seed, events=30_000 if QUICK else None
        )
        able = [question for question in asked_of(facts, folder) if question in keys and keys[question] not in records]
        datasets = build_datasets(workspace, facts, able, refused={})
        facts.con.close()
        for question in able:
            place, began = folder / question, time.perf_counter()
            place.mkdir()
            records.once(
                keys[question],
                lambda q=question, place=place: _tried(f"{kind} {q}", workspace, datasets.get(q), place, pythons),
            )
            print(f"  {kind} {question}: {time.perf_counter() - began:.0f} s", flush=True)


def _tried(
    name: str, workspace: Workspace, dataset: Dataset | None, place: Path, pythons: dict[str, Path]
) -> list[Record]:
    """The comparison, or nothing where there is too little data."""
    try:
        return [] if dataset is None else _compared(name, workspace, dataset, place, pythons)
    except NotEnoughData as error:
        print(f"  {name}: {error.what}")
        return []


def _compared(name: str, workspace: Workspace, dataset: Dataset, place: Path, pythons: dict[str, Path]) -> list[Record]:
    began, clock = time.process_time(), time.perf_counter()
    fitted = fit_dataset(workspace, dataset, threads=1)
    seconds, clock = time.process_time() - began, time.perf_counter() - clock
    columns = [*fitted.features, "label"]
    # Without a validation part the peers validate as they like.
    for part in ("train", "valid"):
        rows = dataset.part(part)
        if len(rows):
            rows[columns].to_parquet(place / f"{'fit' if part == 'train' else part}.parquet", index=False)
    fitted.test[columns].to_parquet(place / "test.parquet", index=False)
    ours = fitted.predict(fitted.test)
    label, ids = fitted.test["label"].to_numpy(float), fitted.test["account_id"].to_numpy(str)
    return [
        _difference(name, peer, ours, *_asked(peer, python, place, clock), label, ids, seconds)
        for peer, python in pythons.items()
    ]


def _asked(peer: str, python: Path, place: Path, seconds: float) -> tuple[np.ndarray, float, str]:
    """A peer's probabilities of the test rows, its CPU seconds, and what it chose."""
    script = Path(__file__).parent / "peers" / PEERS[peer][0]
    budget = str(max(LEAST_SECONDS, seconds))
    done = subprocess.run([python, script, place, budget], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer} failed: {done.stderr[-2_000:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return pd.read_parquet(place / f"{peer}.parquet")["probability"].to_numpy(), told["seconds"], told["models"]


def _difference(
    name: str,
    peer: str,
    ours: np.ndarray,
    theirs: np.ndarray,
    took: float,
    models: str,
    label: np.ndarray,
    ids: np.ndarray,
    seconds: float,
) -> Record:
    """Both figures, and the 95 % intervals of revml's minus the peer's over resamples of accounts."""
    _, group = np.unique(ids, return_inverse=True)
    loss = log_losses(ours, label) - log_losses(theirs, label)
    rng, losses, areas = np.random.default_rng(0), [], []
    for _ in range(RESAMPLES):
        rows = np.repeat(np.arange(len(label)), rng.poisson(1.0, size=group.max() + 1)[group])
        losses.append(loss[rows].mean())
        if 0 < label[rows].sum() < len(rows):
            areas.append(roc_auc(ours[rows], label[rows]) - roc_auc(theirs[rows], label[rows]))
    return {
        "name": name,
        "peer": peer,
        "rows": len(label),
        "events": int(label.sum()),
        "log_loss": [float(log_losses(p, label).mean()) for p in (ours, theirs)],
        "auc": [roc_auc(p, label) for p in (ours, theirs)],
        "log_loss_less": [float(x) for x in np.quantile(losses, (0.025, 0.975))],
        "auc_more": [float(x) for x in np.quantile(areas, (0.025, 0.975))],
        "seconds": [seconds, took],
        "models": models,
    }


def _print(figures: Figures, found: list[Record]) -> None:
    for one in found:
        low, high = one["log_loss_less"]
        less, more = one["auc_more"]
        print(
            f"  {one['name']}, revml / {one['peer']}: log-loss {one['log_loss'][0]:.4f} / {one['log_loss'][1]:.4f} "
            f"(difference {low:+.4f} to {high:+.4f}), AUC {one['auc'][0]:.3f} / {one['auc'][1]:.3f} "
            f"({less:+.3f} to {more:+.3f}), CPU {one['seconds'][0]:.0f} s / {one['seconds'][1]:.0f} s; {one['models']}"
        )
        figures.at_most(f"{one['name']}: log-loss, revml - {one['peer']}, at least", low, 0, "")


def _telco(pythons: dict[str, Path]) -> list[Record]:
    """Five folds (the quick version judges one), every choice inside the learning part; all judged rows together."""
    from sklearn.model_selection import StratifiedKFold

    with room() as folder:
        (folder / "revml.yaml").write_text(
            f'ready:\n  telco: {{path: "{TELCO}", account: customerID, label: Churn, positive: "Yes"}}\n', "utf-8"
        )
        workspace = load_workspace(folder)
        features = tuple(check_ready(workspace, "telco").features)
        rows = read_ready(workspace, "telco")
        frame, label = rows.frame, rows.frame["label"].to_numpy(float)
        categorical = [name for name in features if rows.kinds[name] == "category"]
        sheet, ours = load_sheet(workspace, "churn"), np.full(len(frame), np.nan)
        theirs = {peer: np.full(len(frame), np.nan) for peer in pythons}
        took, chosen, mine = dict.fromkeys(pythons, 0.0), dict.fromkeys(pythons, ""), 0.0
        splits = list(StratifiedKFold(5, shuffle=True, random_state=42).split(frame, label))
        for number, (fit, out) in enumerate(splits[: 1 if QUICK else None]):
            seen = frame.iloc[fit].reset_index(drop=True)
            began, clock = time.process_time(), time.perf_counter()
            encoding = Encoding.fit(seen, features, categorical=categorical, least=LEAST)
            accounts = account_numbers(seen["account_id"].tolist())
            as_of = seen["as_of"].to_numpy(dtype="datetime64[us]")
            data = Learning(encoding.matrix(seen), label[fit], accounts, as_of, encoding, sheet, seed=42, threads=1)
            climbed = climb(data, folds_by_account(accounts))
            ours[out] = climbed.calibration.apply(climbed.model.raw(encoding.matrix(frame.iloc[out])))
            seconds, clock = time.process_time() - began, time.perf_counter() - clock
            place = folder / str(number)
            place.mkdir()
            seen[[*features, "label"]].to_parquet(place / "fit.parquet", index=False)
            frame.iloc[out][[*features, "label"]].to_parquet(place / "test.parquet", index=False)
            mine += seconds
            for peer, python in pythons.items():
                theirs[peer][out], spent, chosen[peer] = _asked(peer, python, place, clock)
                took[peer] += spent
        judged = ~np.isnan(ours)
        ids = frame["account_id"].to_numpy(str)[judged]
        return [
            _difference("telco", p, ours[judged], theirs[p][judged], took[p], chosen[p], label[judged], ids, mine)
            for p in pythons
        ]
