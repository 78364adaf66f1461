"""How far simulated intervals held at earlier origins, and the correction that follows.

Comes in: facts, `as_of`, and a function that forecasts from an origin with what was known then (without scores: today's
models have seen what followed). Goes out: `Calibration`, the levels of each segment, and `Coverage`, measured on
origins whose own correction was made from origins whose outcome was known by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.flows import RelationFlows
from revml.clv.intervals.bands import BLOCK, WHOLE, simulated, summed
from revml.clv.intervals.conformal import NOMINAL, Levels, Scores, fit_levels, scores, widths
from revml.clv.intervals.mrr_changes import segments_of
from revml.clv.intervals.realised import realised_revenue
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

# (origin, months) to the flows that would have been forecast then, with draws.
Forecaster = Callable[[datetime, int], Sequence[RelationFlows]]

STEP_MONTHS = 6
MAX_ORIGINS = 8
NEWEST = 4  # origins that today's correction is made of
MIN_HISTORY_MONTHS = 12
GOOD_HISTORY_MONTHS = 24
MIN_SEGMENT = 150
# Coverage of one origin differs from another's by at least this standard deviation, whatever few of them show.
ORIGIN_SD = 0.05
# A forecast from little history knows its company less well, and its intervals hold less often: about so much after one
# year, and less by a factor of e with each year more (sample companies: 62 % of 80 % with one year, 76 % with two, 82 %
# with three).
GAP_SD = 0.3
MIN_ROWS = 30
MAX_ACCOUNTS = 5_000  # that are simulated at an origin; of larger companies fewer origins are enough
SHORTER = (12, 6)  # horizons that are looked at where history is too short for those asked for


@dataclass(frozen=True)
class Coverage:
    """How many of the outcomes of earlier origins lay in the intervals that would have been given then.

    Attributes:
        relation: or `account` for the sum of an account's relations.
        segment: '' for everybody.
        horizon_months: cumulative revenue of so many months.
        nominal, observed: shares of one.
        accounts: outcomes that were looked at; an account counts once an origin.
        simulated: share that lay in the intervals before their correction.
        later: whether the correction was made from earlier origins alone; otherwise from other accounts.
    """

    relation: str
    segment: str
    horizon_months: int
    nominal: float
    observed: float
    accounts: int
    simulated: float
    later: bool


@dataclass(frozen=True)
class Calibration:
    """Levels by (relation, segment, horizon), with '' for everybody, and how such intervals held."""

    cells: dict[tuple[str, str, int], Levels]
    segment: dict[str, str]
    coverage: tuple[Coverage, ...] = ()
    origins: tuple[datetime, ...] = ()
    horizons: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the intervals, in sentences."""
        if not self.horizons:
            return ("intervals are simulated and made wider: the history is too short to see how such intervals held",)
        told = tuple(
            f"{one.nominal:.0%} intervals of {one.relation} revenue over {one.horizon_months} months held "
            f"{one.observed:.0%} of {one.accounts} outcomes of "
            + ("earlier origins" if one.later else "other accounts at earlier origins")
            for one in self.coverage
            if not one.segment and (one.relation != WHOLE or len(self.horizons) > 2)
        )
        return told or ("intervals are corrected by earlier origins of few accounts: how well they hold is not known",)

    def to_dict(self) -> dict[str, Any]:
        """The document of a run: how intervals held at earlier origins, by relation, segment and horizon."""
        return {
            "nominal": NOMINAL,
            "origins": [origin.isoformat() for origin in self.origins],
            "coverage": [asdict(one) for one in self.coverage],
            "checked": bool(self.horizons),
        }

    def levels(self, relation: str, accounts: npt.NDArray[np.object_], horizon: int) -> tuple[Floats, Floats] | None:
        """(n,) scores at which intervals begin and end; of the longest horizon looked at where this one is longer."""
        known = self.horizons.get(relation)
        if not known:
            return None
        near = max((h for h in known if h <= horizon), default=min(known))
        pooled = self.cells[relation, "", near]
        found = [self.cells.get((relation, self.segment.get(a, ""), near), pooled) for a in accounts.tolist()]
        return np.array([one.low for one in found]), np.array([one.high for one in found])


def calibrate(
    facts: Facts, as_of: datetime, horizons: Sequence[int], forecast: Forecaster, *, seed: int
) -> Calibration:
    """Look at earlier origins, as many as history allows, and correct the intervals by them."""
    history = _history(facts, as_of)
    wanted = sorted({h for h in horizons if h + MIN_HISTORY_MONTHS <= history})
    if not wanted:
        wanted = sorted({h for h in SHORTER if h < min(horizons) and h + min(h, MIN_HISTORY_MONTHS) <= history})[-1:]
    if not wanted:
        return Calibration({}, {})
    furthest = history - min(MIN_HISTORY_MONTHS, wanted[0])
    # an origin that knew less than two years is looked at only where there is no other
    settled = max(history - GOOD_HISTORY_MONTHS, wanted[0])
    # orders are forecast by what a back-test of each origin chooses, which takes its time
    sparing = facts.has("orders") or _accounts(facts) > MAX_ACCOUNTS
    step, most = (2 * STEP_MONTHS, MAX_ORIGINS // 2) if sparing else (STEP_MONTHS, MAX_ORIGINS)
    backs = range(wanted[0], min(furthest, settled) + 1, step)[:most]
    parts = []
    origins = []
    for back in backs:
        origin = as_of - timedelta(seconds=back * MONTH_SECONDS)
        within = [h for h in wanted if h <= back]
        part = origin_scores(facts, origin, within, forecast(origin, within[-1]), as_of=as_of, seed=seed)
        parts.append(part.assign(back=back, history=history - back))
        origins.append(origin)
    found = pd.concat(parts, ignore_index=True)
    cells: dict[tuple[str, str, int], Levels] = {}
    coverage: list[Coverage] = []
    known: dict[str, tuple[int, ...]] = {}
    for relation in sorted(found["relation"].unique()):
        for horizon in wanted:
            rows = found[(found["relation"] == relation) & (found["horizon"] == horizon)]
            if len(rows) < MIN_ROWS:
                continue
            for name, levels in _fit(_newest(rows), horizon, history).items():
                cells[relation, name, horizon] = levels
            known[relation] = (*known.get(relation, ()), horizon)
            coverage += _measured(relation, horizon, rows, history)
    everybody = facts.con.cursor().execute("SELECT DISTINCT account_id FROM accounts").df()["account_id"]
    ids = everybody.to_numpy(object)
    of = dict(zip(ids.tolist(), segments_of(facts, as_of, ids).tolist(), strict=True))
    return Calibration(cells, of, tuple(coverage), tuple(origins), known)


def origin_scores(
    facts: Facts,
    origin: datetime,
    horizons: Sequence[int],
    relations: Sequence[RelationFlows],
    *,
    as_of: datetime,
    seed: int,
) -> pd.DataFrame:
    """Scores of what came after an origin: relation, segment, horizon, account_id, above, below.

    Of very many accounts some blocks are taken.
    """
    relations = [one for one in relations if one.draw is not None]
    frames: list[pd.DataFrame] = [_frame("", np.array([], dtype=object), np.array([], dtype=object), 0, _NONE)]
    if not relations:
        return frames[0]
    total = len(np.unique(np.concatenate([one.account_id for one in relations])))
    one_in = max(-(-total // MAX_ACCOUNTS), 1) if total > BLOCK else 1
    for block in simulated(relations, seed=seed, one_in=one_in):
        segment = segments_of(facts, origin, block.accounts)
        draws = block.revenue[0].shape[0]
        sums = np.zeros((len(horizons), len(block.accounts), draws), dtype=np.float32)
        came = np.zeros((len(horizons), len(block.accounts)))
        for one, places, revenue in zip(relations, block.places, block.revenue, strict=True):
            ids = block.accounts[places]
            real = realised_revenue(facts, one.relation, origin, ids, horizons[-1], as_of=as_of).cumsum(axis=1)
            for h, worth in enumerate(summed(revenue, None, horizons)):
                outcome = real[:, horizons[h] - 1]
                sums[h][places] += worth
                came[h][places] += outcome
                frames.append(_frame(str(one.relation), ids, segment[places], horizons[h], _scored(worth, outcome)))
        for h, horizon in enumerate(horizons):
            frames.append(_frame(WHOLE, block.accounts, segment, horizon, _scored(sums[h], came[h])))
    return pd.concat(frames, ignore_index=True)


_NONE = Scores(np.array([]), np.array([]))


def _scored(draws: npt.NDArray[np.float32], outcome: Floats) -> Scores:
    ordered = np.sort(draws, axis=1)
    return scores(ordered, outcome, widths(ordered))


def _frame(
    relation: str, ids: npt.NDArray[np.object_], segment: npt.NDArray[np.object_], horizon: int, found: Scores
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "relation": relation,
            "account_id": ids,
            "segment": segment,
            "horizon": horizon,
            "above": found.above,
            "below": found.below,
        }
    )


def _history(facts: Facts, as_of: datetime) -> int:
    """Months since the first order, or the first end of a subscription: before it only survivors may have been kept."""
    first = []
    for table, start, end in (("subscriptions", "started_at", "ended_at"), ("orders", "ordered_at", "ordered_at")):
        if facts.has(table):
            sql = (
                f"SELECT coalesce(min({end}) FILTER ({end} <= $as_of), min({start})) FROM {table} "
                f"WHERE known_at <= $as_of AND {start} <= $as_of"
            )
            [[found]] = facts.con.cursor().execute(sql, {"as_of": as_of}).fetchall()
            first += [found] if found is not None else []
    return int((as_of - min(first)).total_seconds() // MONTH_SECONDS) if first else 0


def _accounts(facts: Facts) -> int:
    [[count]] = facts.con.cursor().execute("SELECT count(*) FROM accounts").fetchall()
    return int(count)


def _scores_of(rows: pd.DataFrame) -> Scores:
    return Scores(rows["above"].to_numpy(float), rows["below"].to_numpy(float))


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["back"].isin(sorted(rows["back"].unique())[:NEWEST])]


def _fit(rows: pd.DataFrame, horizon: int, history: int) -> dict[str, Levels]:
    """Levels of each segment with enough rows, and of everybody under ''.

    Accounts of one origin share its fortune, so that a few origins say less than their many accounts seem to: the
    correction is taken as far as the origins agree on it. Of the distance `d` of simulated coverage from the nominal,
    `d² / (d² + s²)` is believed, where `s²` is its variance from how much coverage differs between origins, and from
    how much less than now (`history` months) they knew.
    """
    found = _scores_of(rows)
    plain = pd.Series(found.inside(Levels())).groupby(rows["back"].to_numpy()).mean()
    spans = 1 + float(rows["back"].max() - rows["back"].min()) / horizon
    between = max(float(plain.std(ddof=1)) if len(plain) > 1 else 0.0, ORIGIN_SD)
    distance = float(plain.mean()) - NOMINAL
    known = rows["history"].to_numpy(float)
    gap = GAP_SD * float(np.mean(np.exp(1 - known / 12)) - np.exp(1 - history / 12))
    believed = distance**2 / (distance**2 + between**2 / spans + gap**2)
    out = {"": _towards(fit_levels(found), believed)}
    for segment, part in rows.groupby("segment", sort=True):
        if segment and len(part) >= MIN_SEGMENT:
            out[str(segment)] = _towards(fit_levels(_scores_of(part)), believed)
    return out


def _towards(levels: Levels, believed: float) -> Levels:
    plain = Levels()
    return Levels(*(a + believed * (b - a) for a, b in ((plain.low, levels.low), (plain.high, levels.high))))


def _measured(relation: str, horizon: int, rows: pd.DataFrame, history: int) -> list[Coverage]:
    """Coverage on every origin that has earlier ones whose outcome it could know; else on other accounts."""
    parts, later = [], True
    for back in sorted(rows["back"].unique()):
        past = _newest(rows[rows["back"] >= back + horizon])
        if len(past) >= MIN_ROWS:
            parts.append(_held(rows[rows["back"] == back], _fit(past, horizon, history - back)))
    if not parts:
        later = False
        half = pd.util.hash_array(rows["account_id"].to_numpy(object)) % 2 == 0
        for one, other in ((half, ~half), (~half, half)):
            if one.sum() >= MIN_ROWS and other.any():
                parts.append(_held(rows[other], _fit(rows[one], horizon, history)))
    if not parts:
        return []
    held = pd.concat(parts, ignore_index=True)
    out = []
    for segment, part in [("", held), *held[held["segment"] != ""].groupby("segment", sort=True)]:
        if len(part) >= MIN_ROWS:
            observed, plain = float(part["held"].mean()), float(part["plain"].mean())
            out.append(
                Coverage(relation, str(segment), horizon, NOMINAL, observed, len(part), simulated=plain, later=later)
            )
    return out


def _held(rows: pd.DataFrame, levels: dict[str, Levels]) -> pd.DataFrame:
    found = _scores_of(rows)
    held, plain = np.zeros(len(rows)), found.inside(Levels())
    for segment in rows["segment"].unique():
        mine = (rows["segment"] == segment).to_numpy()
        inside = Scores(found.above[mine], found.below[mine]).inside(levels.get(segment, levels[""]))
        held[mine] = inside
    return pd.DataFrame({"segment": rows["segment"].to_numpy(object), "held": held, "plain": plain})
