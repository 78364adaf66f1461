"""How a surviving account's MRR moves: exactly one of no growth, upsell probability × size − contraction, or ratios.

Two growth models at once would count the same money twice, so the model is one enum value and inputs that belong to the
other are refused. Comes in: what accounts' MRR did over past spans, known at `as_of`. Goes out: factors g(k).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from revml.clv.value import MONTH_DAYS, Floats
from revml.errors import ConfigError
from revml.labels.held import held, worth
from revml.labels.question import SAME
from revml.sources.facts import Facts

# A company with fewer upsells than this is described by the question's own threshold rather than by its few cases.
MIN_UPSELLS = 20
SPANS = 8
# A rise beyond this share counts as this share: one merger must not price everybody's upsells.
MAX_RISE = 2.0
HALF_LIFE_MONTHS = 6.0
# However a score ranks an account, its pace is at most so many times the average's.
MAX_RELATIVE = 10.0
# Bands of tenure in which accounts grow and shrink at paces of their own.
TENURE_EDGES_MONTHS = (6.0, 12.0, 24.0)
# A survivor pays something.
LEAST_LEFT = 0.01


class GrowthModel(StrEnum):
    """Where growth of surviving accounts comes from; exactly one at a time."""

    NONE = "none"
    UPLIFT = "uplift"
    RATIO = "ratio"


@dataclass(frozen=True)
class Movements:
    """What the MRR of surviving accounts did over spans of `days`, as shares of their MRR at the start.

    Attributes:
        upsell_rate: share of accounts with an upsell of at least the threshold, by the question's own definition.
        upsell_size: mean rise of those, each at most `MAX_RISE`, as a share of their MRR at the start.
        contraction: net fall of all others (small rises and those of prices net out), as a share of the MRR of all.
        pairs, upsells: what it rests on.
    """

    days: int
    upsell_rate: float
    upsell_size: float
    contraction: float
    pairs: int
    upsells: int

    @property
    def yearly(self) -> float:
        """What a surviving account's MRR grows by in a year at the company's past rates, as a share."""
        step = max(self.upsell_rate * self.upsell_size - self.contraction, -0.99)
        return float((1 + step) ** (365.25 / self.days) - 1)


@dataclass(frozen=True)
class Ratios:
    """By how much the MRR of surviving accounts rises and falls, as shares of their MRR today; see `ratios.py`.

    Attributes:
        rises, falls: (months,) after k = 1.. months; not below 0, never turning back.
        rising_pace, falling_pace: (bands,) pace of accounts by tenure against all, see `TENURE_EDGES_MONTHS`.
        observed_months: lags that were seen; beyond it the last year's pace goes on.
        accounts: whose history it rests on.
        changes: how many of them had changed at the longest lag up to a year.
    """

    rises: Floats
    falls: Floats
    rising_pace: Floats = field(default_factory=lambda: np.ones(len(TENURE_EDGES_MONTHS) + 1))
    falling_pace: Floats = field(default_factory=lambda: np.ones(len(TENURE_EDGES_MONTHS) + 1))
    observed_months: int = 0
    accounts: int = 0
    changes: int = 0

    @property
    def yearly(self) -> float:
        """What a surviving account's MRR grows by in the first year, as a share."""
        k = min(12, len(self.rises))
        return float((1 + self.rises[k - 1] - self.falls[k - 1]) ** (12 / k) - 1)


@dataclass(frozen=True)
class Leanings:
    """A score that says whose MRR moves more than others': it shares a level out, and never changes it.

    Args:
        probability: (n,) of the move within `days`; NaN stands for the average.
        days: what the score looks ahead.
    """

    probability: Floats
    days: int

    def weights(self, mrr: Floats, months: int) -> Floats:
        """(n, months) relative pace of each account's moves; on average over MRR 1, after the score's span fading to 1.

        A score of three times the average means three times the pace within its span.
        """
        known = ~np.isnan(self.probability)
        shares = np.where(known, mrr, 0.0)
        own = np.where(known, self.probability, 0.0)
        mean = float(own @ shares / shares.sum()) if shares.sum() > 0 else 0.0
        relative = np.where(known, own / mean, 1.0) if mean > 0 else np.ones(len(own))
        k = np.arange(1, months + 1)
        fade = 0.5 ** (np.maximum(k - np.ceil(self.days / MONTH_DAYS), 0) / HALF_LIFE_MONTHS)
        return np.asarray(1.0 + (np.minimum(relative, MAX_RELATIVE) - 1.0)[:, None] * fade[None, :])


@dataclass(frozen=True)
class Growth:
    """A growth model with the inputs that belong to it, and no others.

    Args:
        model: which one.
        p_upsell: UPLIFT: (n,) probability of an upsell within `movements.days`; NaN takes the company's rate.
        movements: UPLIFT: what the company's past says of upsells and of contraction.
        ratios: RATIO: what the MRR of survivors became.
        rising, falling: RATIO, not needed: whose MRR rises and falls more than others'.
        tenure: RATIO, not needed: (n,) months since each account began; without it all move at the same pace.
        agreed: any, not needed: (n, months) changes that are known already, see `agreed.py`.

    Raises:
        ConfigError: inputs of another model are given too, which would count growth twice, or needed ones are missing.
    """

    model: GrowthModel
    p_upsell: Floats | None = None
    movements: Movements | None = None
    ratios: Ratios | None = None
    rising: Leanings | None = None
    falling: Leanings | None = None
    tenure: Floats | None = None
    agreed: Floats | None = None

    def __post_init__(self) -> None:
        needed = {GrowthModel.NONE: (), GrowthModel.UPLIFT: ("p_upsell", "movements"), GrowthModel.RATIO: ("ratios",)}
        allowed = {
            *needed[self.model],
            "agreed",
            *(("rising", "falling", "tenure") if self.model is GrowthModel.RATIO else ()),
        }
        given = [f.name for f in fields(self) if f.name != "model" and getattr(self, f.name) is not None]
        if foreign := [name for name in given if name not in allowed]:
            raise ConfigError(
                "growth would be counted twice",
                where="clv.growth",
                wanted=f"with GrowthModel.{self.model.name} only {', '.join(sorted(allowed))}",
                got=", ".join(foreign),
                do="leave them out, or choose the growth model they belong to",
            )
        if missing := [name for name in needed[self.model] if name not in given]:
            raise ConfigError(
                f"GrowthModel.{self.model.name} lacks what it grows by",
                where="clv.growth",
                wanted=", ".join(needed[self.model]),
                got=", ".join(given) or "nothing",
                do=f"give {', '.join(missing)}, or choose GrowthModel.NONE",
            )

    def heeding(self, *, rising: bool, falling: bool) -> Growth:
        """The same growth with or without what the scores say of single accounts."""
        rates = self.p_upsell if rising or self.p_upsell is None else np.full_like(self.p_upsell, np.nan)
        return replace(
            self, p_upsell=rates, rising=self.rising if rising else None, falling=self.falling if falling else None
        )

    def factors(self, mrr: Floats, months: int) -> tuple[Floats, Floats]:
        """(n, months) factors of expansion alone and of expansion less contraction, at the end of each month ahead.

        UPLIFT: within the span of the upsell score an account grows at its own probability; after it the account's
        rate fades to the company's, by half in `HALF_LIFE_MONTHS`. Rates compound monthly. RATIO: the company's rises
        and falls of each month, shared out by the scores. Whatever the model, what is agreed is the least an account
        rises or falls by: it is a part of what was expected, never on top of it.

        Args:
            mrr: (n,) today's; what the ratios are shared out by.
        """
        if self.ratios is not None:
            expanded, grown = self._by_ratios(self.ratios, mrr, months)
        elif self.p_upsell is None or self.movements is None:
            expanded = grown = np.ones((len(mrr), months))
        else:
            expanded, grown = self._by_uplift(self.p_upsell, self.movements, months)
        if self.agreed is None:
            return expanded, grown
        rises = np.maximum(expanded - 1.0, self.agreed)
        falls = np.maximum(expanded - grown, -self.agreed)
        return 1.0 + rises, np.maximum(1.0 + rises - falls, 0.0)

    def _by_uplift(self, p_upsell: Floats, moves: Movements, months: int) -> tuple[Floats, Floats]:
        span = moves.days / MONTH_DAYS
        k = np.arange(1, months + 1)
        fade = 0.5 ** (np.maximum(k - np.ceil(span), 0) / HALF_LIFE_MONTHS)
        own = np.where(np.isnan(p_upsell), moves.upsell_rate, p_upsell)
        p = moves.upsell_rate + (own - moves.upsell_rate)[:, None] * fade[None, :]
        up = np.log1p(p * moves.upsell_size) / span
        both = np.log1p(np.maximum(p * moves.upsell_size - moves.contraction, -0.99)) / span
        return np.exp(np.cumsum(up, axis=1)), np.exp(np.cumsum(both, axis=1))

    def _by_ratios(self, ratios: Ratios, mrr: Floats, months: int) -> tuple[Floats, Floats]:
        moved = []
        for level, by_tenure, leaning in (
            (ratios.rises, ratios.rising_pace, self.rising),
            (ratios.falls, ratios.falling_pace, self.falling),
        ):
            shared = np.diff(level[:months], prepend=0.0)[None, :]
            if self.tenure is not None:
                # a band's pace is that of the year after an account stood in it
                stood = self.tenure[:, None] + np.maximum(np.arange(months) - 12, 0)[None, :]
                shared = shared * by_tenure[np.digitize(stood, TENURE_EDGES_MONTHS)]
            if leaning is not None:
                shared = shared * leaning.weights(mrr, months)
            moved.append(np.broadcast_to(np.cumsum(shared, axis=1), (len(mrr), months)))
        rises, falls = moved
        return 1.0 + rises, np.maximum(1.0 + rises - falls, LEAST_LEFT)


_PAIRS = """
WITH at_risk AS (
  SELECT DISTINCT s.account_id, t.at AS as_of, t.at AS opens, t.at + to_days($days) AS closes
  FROM subscriptions AS s, (SELECT unnest($starts::TIMESTAMP[]) AS at) AS t WHERE s.known_at <= $as_of
), {held}, {worth},
pairs AS (
  SELECT before AS was, after AS is_now, {reached} * (1 + {same}) >= before * (1 + $threshold) AS upsold
  FROM worth WHERE before > 0 AND after > 0
)
SELECT count(*), count(*) FILTER (upsold), coalesce(sum(was), 0),
  coalesce(sum(was) FILTER (upsold), 0), coalesce(sum(least(is_now - was, $most * was)) FILTER (upsold), 0),
  coalesce(sum(was - is_now) FILTER (NOT upsold), 0)
FROM pairs"""


def past_movements(
    facts: Facts, as_of: datetime, *, threshold: float, days: int, price_changes: bool = False
) -> Movements:
    """What the MRR of surviving accounts did over the last `SPANS` spans of `days`, known at `as_of`.

    An upsell is what the question says it is, so that the rate fits its scores: a rise by price alone is none, unless
    `price_changes`, and nets out with the falls of all others. With too few upsells, their size is the threshold
    itself: the least that an upsell is.
    """
    starts = [as_of - timedelta(days=days * i) for i in range(SPANS, 0, -1)]
    values = {"as_of": as_of, "starts": starts, "days": days, "threshold": threshold, "most": MAX_RISE}
    reached = "after" if price_changes else "grown"
    pairs_of = _PAIRS.format(held=held(as_of), worth=worth(), reached=reached, same=SAME)
    [row] = facts.con.cursor().execute(pairs_of, values).fetchall()
    pairs, upsells, was, was_upsold, gained, shrunk = row
    return Movements(
        days=days,
        upsell_rate=upsells / pairs if pairs else 0.0,
        upsell_size=gained / was_upsold if upsells >= MIN_UPSELLS and was_upsold > 0 else threshold,
        contraction=shrunk / was if was > 0 else 0.0,
        pairs=int(pairs),
        upsells=int(upsells),
    )
