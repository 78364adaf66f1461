"""The guard before training: which features know the answer, each with its evidence; certain ones block the model.

Comes in: a dataset's own rows, the features that the sheet lets in. Goes out: `Finding`s for the manifest, the card and
the terminal. A strong feature is judged by what it was a label window earlier: what an account does fades slowly,
what was written down after the outcome is gone. Nothing is removed and nothing is chosen here, so that the labels of
the test may be looked at too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from revml.datasets import Dataset
from revml.evaluation.lagging import LEAST_EVENTS, Lagged, lagged, never_changes
from revml.evaluation.leaks import Suspicion, alone, suspicions
from revml.evaluation.metrics import roc_auc
from revml.evaluation.twins import Twins, twins
from revml.features.catalog import catalog
from revml.models.encoding import Encoding
from revml.models.folds import account_numbers, folds_by_account
from revml.models.rule import Rule
from revml.snapshots import ITEM

MOST_ROWS = 12_000  # whole accounts are left out beyond this many rows
CANDIDATE, FILLED_CANDIDATE = 0.70, 0.80  # ROC-AUC on the rows that made the bins, from which a feature is looked at
WITNESSES = 40  # the strongest features, that a strong one is compared with
STRONG, LOOK = 0.85, 0.78  # ROC-AUC alone from which a feature that vanishes a window earlier is a leak, may be one
GONE, STAYS = 0.25, 0.50  # share of its power that a feature keeps a window earlier: a leak's, an honest one's
STATIC = 0.80  # ROC-AUC from which a column that never changes is looked at
KNOWS = 0.90  # and from which it is today's value
EXPECTED = 20  # events expected where a column that never changes has none at all
TWIN_ROWS, TWIN_SHARE, TWIN_ALIKE = 10, 0.05, 0.95
WEAKER = frozenset({"strong", "line"})  # evidence that says less than a comparison with the value of earlier
CALENDAR = frozenset({"renewal"})  # a date that is known beforehand may tell much, and honestly

SENTENCES: Mapping[str, str] = {
    "copy": "each of its values goes with one outcome: it is the label in other words",
    "filled": "filled in {events:.0%} of the rows with the event and {others:.0%} of the others: it is told afterwards",
    "pure": "at one end of its scale all {rows:,.0f} rows have the event, without one exception (ROC-AUC alone"
    " {auc:.2f})",
    "strong": "alone it tells the outcome with a ROC-AUC of {auc:.2f} (0.5 is chance, 1 is knowing)",
    "collapses": "alone it tells the outcome with a ROC-AUC of {auc:.2f}, and with {before:.2f} where its value of"
    " {days:.0f} days earlier is taken: what an account does fades slowly, what is told afterwards is gone",
    "today": "it never changes at any account and tells the outcome with a ROC-AUC of {auc:.2f}: it looks like today's"
    " value",
    "today_none": "it never changes at any account, and where it says so there is no event at all where {expected:.0f}"
    " were to be expected (ROC-AUC {auc:.2f}): it looks like today's value",
    "line": "alone it tells more (ROC-AUC {auc:.2f}) than all other features together ({together:.2f})",
    "at_once": "{share:.0%} of its {rows:,.0f} rows were known on one day, though they happened over {days:,.0f} days:"
    " the past cannot be replayed, and features of this table are empty before that day",
    "twins": "{rows:,.0f} of the {tested:,.0f} test rows ({share:.0%}) stand word for word among the learning rows of"
    " other accounts, {alike:.0%} of them with the same outcome",
}


@dataclass(frozen=True)
class Finding:
    """A feature (or a table; or the rows as a whole, `feature` empty) that seems to know the answer.

    Args:
        kind: a key of `SENTENCES`, and of the catalogues as `card.leak.<kind>`.
        figures: what the sentence tells, by name.
        certain: whether the figures leave no honest reading; such a finding blocks until the sheet allows it.
        allowed: why the sheet (or the table's entry in revml.yaml) lets the feature in; empty where it does not.
    """

    feature: str
    kind: str
    figures: Mapping[str, float] = field(default_factory=dict)
    certain: bool = True
    allowed: str = ""

    @property
    def blocks(self) -> bool:
        """Whether no model that may look at it is promoted."""
        return self.certain and not self.allowed

    @property
    def evidence(self) -> str:
        """The evidence in an English sentence."""
        return SENTENCES[self.kind].format(**self.figures)

    def to_json(self) -> dict[str, Any]:
        """Plain values for the manifest, rounded so that they read the same everywhere."""
        return {
            "feature": self.feature,
            "kind": self.kind,
            "evidence": self.evidence,
            "figures": {name: round(float(value), 6) for name, value in self.figures.items()},
            "certain": self.certain,
            "allowed": self.allowed,
            "blocks": self.blocks,
        }


def guard(dataset: Dataset, features: Sequence[str], *, allow: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """What a dataset's rows say of its features, findings that block first.

    Args:
        features: those that the sheet lets in.
        allow: features that may stay whatever is found, with the reason.
    """
    rows = pd.concat([dataset.part("train"), dataset.part("valid")], ignore_index=True)
    test = dataset.part("test")
    if rows["label"].nunique() < 2:
        return ()
    whole = _some_accounts(pd.concat([rows, test], ignore_index=True))
    categorical = [name for name in dataset.categorical if name in features]
    encoding = Encoding.fit(whole, features, categorical=categorical)
    look = _Look(dataset, whole, encoding)
    found = {one.feature: one for one in _strong(look)}
    found |= {one.feature: one for one in _static(look, {name for name, one in found.items() if one.certain})}
    late = [
        Finding(one.table, "at_once", {"share": one.share, "rows": one.rows, "days": one.days}, certain=False)
        for one in dataset.at_once
    ]
    told = [*found.values(), *late, *_twins(twins(rows, test, encoding))]
    if dataset.own is not None:
        allow = {**dict.fromkeys(dataset.own["allowed"], "named under `allow` in revml.yaml"), **(allow or {})}
    told = [replace(one, allowed=(allow or {}).get(one.feature, "")) for one in told]
    return tuple(sorted(told, key=lambda one: (not one.blocks, not one.certain, one.feature)))


def blocking(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The features (`rows` for the rows as a whole) because of which no model is promoted."""
    return tuple(one.feature or "rows" for one in findings if one.blocks)


def _some_accounts(rows: pd.DataFrame) -> pd.DataFrame:
    """All rows, or whole accounts of about `MOST_ROWS` rows, the same ones in any order."""
    if len(rows) > MOST_ROWS:
        numbers = account_numbers(rows["account_id"].tolist())
        rows = rows[(numbers // 7_919) % 10_000 < 10_000 * MOST_ROWS / len(rows)]
    return rows.sort_values(["account_id", *_items(rows), "as_of"], kind="stable", ignore_index=True)


def _items(rows: pd.DataFrame) -> list[str]:
    return [ITEM] if ITEM in rows else []


class _Look:
    """The rows as numbers, with what each feature alone tells on the rows that made its bins."""

    def __init__(self, dataset: Dataset, rows: pd.DataFrame, encoding: Encoding) -> None:
        self.dataset, self.rows, self.encoding = dataset, rows, encoding
        self.label = rows["label"].to_numpy(dtype=float)
        self.matrix = encoding.matrix(rows)
        self.accounts = account_numbers(rows["account_id"].tolist())
        # What is followed through time: accounts, or accounts and the thing that they are asked about.
        things = rows[_items(rows)].astype(str).agg("\t".join, axis=1) if _items(rows) else ""
        self.followed = account_numbers((rows["account_id"].astype(str) + "\t" + things).tolist())
        self.as_of = rows["as_of"].to_numpy(dtype="datetime64[us]")
        self.known = ~np.isnan(self.matrix)
        columns = encoding.columns
        self.alone = np.array([self._alone(j, columns[j].kind == "category") for j in range(len(columns))])

    def _alone(self, j: int, category: bool) -> float:
        rule = Rule.fit_column(self.matrix[:, j], self.label, j, category=category)
        auc = 0.5 if rule is None else roc_auc(rule.raw(self.matrix), self.label)
        return max(0.5, auc) if np.isfinite(auc) else 0.5

    def filled(self) -> np.ndarray:
        """ROC-AUC of whether each feature is filled at all, whichever way."""
        events, others = self.label == 1, self.label == 0
        if not events.any() or not others.any():
            return np.full(self.matrix.shape[1], 0.5)
        by = self.known[events].mean(axis=0) - self.known[others].mean(axis=0)
        return np.asarray(0.5 + np.abs(by) / 2)

    def concept(self, name: str) -> str:
        """The concept of a declared feature; empty for a company's own."""
        declared = catalog().get(name) if self.dataset.own is None else None
        return declared.concept if declared else ""

    def before(self, names: Collection[str]) -> dict[str, Lagged]:
        """What the features tell now and a label window earlier."""
        wanted = [j for j, name in enumerate(self.encoding.names) if name in names]
        if self.dataset.held_out or not wanted:
            return {}
        reach = self.dataset.spec.window(self.dataset.question).reach
        category = [self.encoding.columns[j].kind == "category" for j in wanted]
        found = lagged(self.matrix[:, wanted], self.label, (self.followed, self.accounts), self.as_of, reach, category)
        return {self.encoding.names[j]: one for j, one in zip(wanted, found, strict=True)} if found else {}


def _strong(look: _Look) -> list[Finding]:
    """Features that tell too much, unless they told it a whole window earlier as well."""
    names = look.encoding.names
    worth = np.flatnonzero((look.alone >= CANDIDATE) | (look.filled() >= FILLED_CANDIDATE))
    if not len(worth):
        return []
    strongest = np.argsort(-look.alone, kind="stable")[:WITNESSES]
    looked = [names[j] for j in sorted({*worth.tolist(), *strongest.tolist()})]
    categorical = [c for c in looked if c in look.dataset.categorical]
    ids = look.rows["account_id"].tolist()
    by_name = {
        one.column: one
        for one in suspicions(look.rows[looked], look.label, ids, categorical=categorical)
        if one.kind != "name"
    }
    before = look.before([names[j] for j in worth])
    found = []
    for name in [names[j] for j in worth]:
        one = _judged(name, by_name.get(name), before.get(name), look.concept(name), ready=look.dataset.own is not None)
        if one is not None:
            found.append(one)
    return found


def _judged(
    name: str, suspicion: Suspicion | None, before: Lagged | None, concept: str, *, ready: bool
) -> Finding | None:
    """What is to be said of a strong feature, given what it told a window earlier."""
    gone = before is not None and before.kept <= GONE and concept not in CALENDAR
    if before is not None and gone and before.now >= LOOK and (suspicion is None or suspicion.kind in WEAKER):
        figures = {"auc": before.now, "before": before.earlier, "days": before.days}
        return Finding(name, "collapses", figures, certain=before.now >= STRONG)
    if suspicion is None:
        return None
    figures = {"auc": suspicion.auc, **suspicion.figures}
    if not suspicion.certain or suspicion.kind == "copy":
        return Finding(name, suspicion.kind, figures, certain=suspicion.certain)
    # Features made by revml see nothing later than the row's instant: what was as strong a window earlier is honest.
    if not ready and (concept in CALENDAR or (before is not None and before.apart and before.kept >= STAYS)):
        return None
    return Finding(name, suspicion.kind, figures)


def _static(look: _Look, known: Collection[str]) -> list[Finding]:
    """Columns that never change and yet tell who will have the event: written down when it was known."""
    found: list[Finding] = []
    names = look.encoding.names
    strong = [j for j in np.flatnonzero(look.alone >= STATIC).tolist() if names[j] not in known]
    for j in [j for j in strong if never_changes(look.matrix[:, j], look.followed)]:
        # The nearer the end of the data, the better today's value knows.
        newest = look.as_of == look.as_of.max()
        auc = max(_out_of_sample(look, j, np.ones(len(newest), dtype=bool)), _out_of_sample(look, j, newest))
        expected = _without_events(look, j)
        if auc >= STATIC and expected >= EXPECTED:
            found.append(Finding(names[j], "today_none", {"auc": auc, "expected": expected}))
        elif auc >= STRONG:
            found.append(Finding(names[j], "today", {"auc": auc}, certain=auc >= KNOWS))
    return found


def _out_of_sample(look: _Look, j: int, chosen: np.ndarray) -> float:
    """ROC-AUC of a column on accounts that did not make its bins; a half where there are too few events to tell."""
    label = look.label[chosen]
    if min(label.sum(), len(label) - label.sum()) < LEAST_EVENTS:
        return 0.5
    folds = folds_by_account(look.accounts[chosen]).fits
    return alone(look.matrix[chosen, j], label, folds, category=look.encoding.columns[j].kind == "category")


def _without_events(look: _Look, j: int) -> float:
    """How many events chance would give to those bins of a column (its gaps are one) in which there are none at all."""
    category = look.encoding.columns[j].kind == "category"
    values = look.matrix[:, j]
    rule = Rule.fit_column(values, look.label, j, category=category)
    if rule is None:
        return 0.0
    bins = np.where(np.isnan(values), len(rule.edges) + 1, np.searchsorted(rule.edges, np.nan_to_num(values)))
    rows, events = np.bincount(bins), np.bincount(bins, weights=look.label)
    expected = rows * look.label.mean()
    return float(expected[(events == 0) & (expected >= EXPECTED / 2)].sum())


def _twins(found: Twins) -> list[Finding]:
    if found.rows < TWIN_ROWS or found.rows < TWIN_SHARE * found.tested or found.alike < TWIN_ALIKE:
        return []
    share = found.rows / found.tested
    return [Finding("", "twins", {"rows": found.rows, "tested": found.tested, "share": share, "alike": found.alike})]
