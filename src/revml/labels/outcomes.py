"""Outcomes at several horizons: when, within a year, what a question asks about happened.

Comes in: facts, a question's definition, snapshots. Goes out: for each of them and each horizon 1 or 0, and NA where
that horizon has not closed. They are the label's own SQL with another horizon, made one story with the label: what has
happened within 30 days has happened within 90.
"""

from __future__ import annotations

import pandas as pd

from revml.config import QuestionName, QuestionSpec
from revml.labels import label
from revml.snapshots import KEYS
from revml.sources.facts import Facts

HORIZONS = (30, 90, 180, 365)
"""Days from the start of the window, beside the question's own."""

# Growth compares the horizon with a span before it of the same length, so that another horizon is another question;
# cross-sell is about pairs of an account and a family.
WITHOUT: frozenset[str] = frozenset({"growth", "cross_sell"})
# A lapse is that nothing happened: the event in time is the next order, and a longer horizon has the lower risk.
FALLING: frozenset[str] = frozenset({"lapse"})


def horizons(main: int) -> tuple[int, ...]:
    """The horizons of a question whose own one is `main`, in days.

    >>> horizons(60)
    (30, 60, 90, 180, 365)
    """
    return tuple(sorted({*HORIZONS, main}))


def outcomes(facts: Facts, question: QuestionName, spec: QuestionSpec, rows: pd.DataFrame) -> pd.DataFrame | None:
    """Whether the event had happened by each horizon; None for a question that has no story in time.

    The event is what the question asks about, and of a lapse its opposite, the next order. With the question's own
    label as the truth of its own horizon, and `at(h)` the label at another:

    - within h, shorter: it happened by the question's horizon, and by h or by a horizon before that;
    - within h, longer: it happened by the question's horizon, or by h or by one between them.

    So growth that was taken back by the end of the question's window is none at any shorter horizon either, and what
    was reached stays reached. For ends and orders, which happen once and stay, this is the label at each horizon.

    Args:
        rows: account_id, as_of, label (of the question's own horizon).

    Returns:
        account_id, as_of and `within_<days>` (Int8) in the order of `rows`; NA where the horizon has not closed.
    """
    if question in WITHOUT:
        return None
    main = spec.horizon_days
    out = rows[list(KEYS)].reset_index(drop=True)
    own = _event(question, rows["label"].reset_index(drop=True))
    shorter, longer = pd.Series(0, out.index, dtype="Int8"), own
    for days in horizons(main):
        if days == main:
            out[f"within_{days}"] = own
            continue
        other = label(facts, question, spec.model_copy(update={"horizon_days": days}), out[list(KEYS)])
        happened = _event(question, other["label"])
        if days < main:
            shorter = shorter | happened
            out[f"within_{days}"] = shorter & own
        else:
            out[f"within_{days}"] = longer = (longer | happened).where(happened.notna())
    return out


def _event(question: QuestionName, told: pd.Series[int]) -> pd.Series[int]:
    values = told.astype("Int8")
    return 1 - values if question in FALLING else values
