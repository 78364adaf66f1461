"""What each concept adds to the log-odds of every score, as a run publishes it: a short list a row.

Comes in: a `Looked`. Goes out: `CONTRIBUTION_COLUMNS` part by part, and what the lists are of. Numbers are rounded to
millionths, and the log-odds that are told of a score are the sum of the rounded ones: whatever is taken apart or
compared later adds up exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from revml.explanations.choosing import Concepts as Ideas
from revml.explanations.looking import Looked
from revml.snapshots import ITEM
from revml.store.json_text import as_lists
from revml.store.runs import CONTRIBUTION_COLUMNS, Concepts

DIGITS = 6


def concepts_of(looked: Looked) -> Concepts:
    """The concepts of a question, and the log-odds of the average row."""
    base = looked.contributions(0).base
    return Concepts(round(base, DIGITS), Ideas.of_features(looked.features).ideas)


def concept_parts(looked: Looked) -> Iterator[pd.DataFrame]:
    """`CONTRIBUTION_COLUMNS` of a question, a frame a part of its rows."""
    ideas, own = Ideas.of_features(looked.features), looked.rows.own
    for number, (start, stop) in enumerate(looked.parts):
        sums = np.round(ideas.sums(looked.contributions(number).values), DIGITS) + 0.0  # no minus zero
        width = sums.shape[1]
        lists = as_lists(pd.Series(sums.ravel()), np.arange(len(sums) + 1) * width)
        mine = own.iloc[start:stop]
        yield pd.DataFrame(
            {
                "account_id": mine["account_id"].astype("str").to_numpy(),
                "question": looked.question,
                "item": mine[ITEM].astype("str").to_numpy() if ITEM in own else "",
                "parts": pd.Series([str(one) for one in lists], dtype="str").to_numpy(),
            }
        ).astype(dict.fromkeys(CONTRIBUTION_COLUMNS, "str"))
