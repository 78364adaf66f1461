"""Scores, reasons and contributions, told question by question, in parts of the rows.

Comes in: a bundle and the rows that it is to score, with their features 12 weeks before. Goes out: the frames of all
questions that were added, and the rows themselves, kept on disk. Where there are many accounts the reasons and the
contributions wait there too, and the frames are the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from revml.at_risk import AtRisk
from revml.config import QuestionSpec, Workspace
from revml.explanations import ConceptSums, concept_sums, explain_parts, features_of, look
from revml.features.spec import Feature
from revml.models.bundle import Bundle
from revml.progress import Progress
from revml.scoring.concept_parts import concept_parts, concepts_of
from revml.scoring.scores import average_scores, scores_of
from revml.store.kept import KeptRows
from revml.store.long import LongFrame, Shelved
from revml.store.runs import REASON_COLUMNS, Concepts

# Questions whose scores are carried on into lifetime values, with what each concept does to them.
IN_MONEY = ("churn", "upsell", "contraction")


class Told:
    """Scores and reasons of the questions that are done; the reasons of many accounts wait on disk.

    Attributes:
        concepts: of each question in `IN_MONEY` that was added, what each concept does to its log-odds.
        told: of each question, what the lists of `contributions` are of.
        peer_churn: account_id, and the churn probabilities of the average row at every horizon.
        kept: the rows that were scored.
    """

    def __init__(self, workspace: Workspace, part_rows: int, *, long: bool) -> None:
        self._workspace, self._part_rows = workspace, part_rows
        self.concepts: dict[str, ConceptSums] = {}
        self.told: dict[str, Concepts] = {}
        self.kept = KeptRows(workspace.work_dir)
        self.peer_churn: pd.DataFrame | None = None
        self._scores: list[pd.DataFrame] = []
        self._reasons: list[pd.DataFrame] = []
        self._contributions: list[pd.DataFrame] = []
        self._shelf = Shelved(workspace.work_dir) if long else None
        self._contribution_shelf = Shelved(workspace.work_dir) if long else None

    def add(
        self,
        bundle: Bundle,
        rows: AtRisk,
        past: pd.DataFrame | None,
        spec: QuestionSpec,
        own: Mapping[str, Feature],
        progress: Progress,
    ) -> None:
        """Score and explain the rows of a question, and keep them."""
        self.kept.add(bundle.question, rows)
        looked = look(
            bundle,
            rows,
            features_of(bundle, own),
            part_rows=self._part_rows,
            place=self._workspace.work_dir,
            progress=lambda what, done: progress(f"{bundle.question}: {what}", done / 2),
        )
        self._scores.append(scores_of(bundle, rows, looked.probability, spec))
        if bundle.question in IN_MONEY:
            self.concepts[bundle.question] = concept_sums(looked)
        if bundle.question == "churn":
            self.peer_churn = average_scores(bundle, rows, self.concepts["churn"].base)
        self.told[bundle.question] = concepts_of(looked)
        for part in concept_parts(looked):
            if self._contribution_shelf is None:
                self._contributions.append(part)
            else:
                self._contribution_shelf.add(part)
        told = explain_parts(looked, past, currency=self._workspace.company.currency)
        for number, reasons in enumerate(told):
            if self._shelf is None:
                self._reasons.append(reasons)
            else:
                self._shelf.add(reasons)
            progress(f"{bundle.question}: reasons", 0.5 + (number + 1) / len(looked.parts) / 2)

    @property
    def scores(self) -> pd.DataFrame:
        """`SCORE_COLUMNS` and `HORIZON_COLUMNS` of all questions."""
        return pd.concat(self._scores, ignore_index=True)

    @property
    def reasons(self) -> LongFrame:
        """`REASON_COLUMNS` of all questions."""
        if self._shelf is not None:
            return self._shelf
        return pd.concat(self._reasons, ignore_index=True)[list(REASON_COLUMNS)]

    @property
    def contributions(self) -> LongFrame:
        """`CONTRIBUTION_COLUMNS` of all questions."""
        if self._contribution_shelf is not None:
            return self._contribution_shelf
        return pd.concat(self._contributions, ignore_index=True)
