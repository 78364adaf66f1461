"""The installed base in figures, family by family: machines, their age and life left, service, parts, what falls due.

Comes in: `Durables`. Goes out: `InstalledReport`, a document of a run. Figures that cannot be told are None, never 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from revml.clv.durables.ahead import Durables, learn_durables, replacements_ahead
from revml.clv.value import Floats
from revml.config import Economics
from revml.sources.facts import Facts

YEAR = 12


@dataclass(frozen=True)
class FamilyBase:
    """Machines of one product family, or of all.

    Attributes:
        family: '' for all together.
        machines: in service; owners: accounts that have one.
        mean_age_months: of machines in service.
        life_months: what they are sold to last, on average.
        life_left_months: expected until retirement, by what retired so far.
        beyond_life: share of machines older than the life they were sold with.
        penetration: share of machines whose owner has a contract now; accounts_under_contract: share of owners.
        parts_per_machine_year: net money of other orders of the last year by owners, for a machine in service a year;
            an owner's orders are split over families by machines.
        replacements_per_year: machines expected to be replaced with us in the next twelve months.
        replacement_money: what these bring.
    """

    family: str
    machines: int
    owners: int
    mean_age_months: float | None
    life_months: float | None
    life_left_months: float | None
    beyond_life: float | None
    penetration: float | None
    accounts_under_contract: float | None
    parts_per_machine_year: float | None
    replacements_per_year: float
    replacement_money: float


@dataclass(frozen=True)
class InstalledReport:
    """The installed base at an instant.

    Attributes:
        families: by machines in service, then all together.
        replaced_in_touch, replaced_out_of_touch: share of retired machines that are replaced with us, by owner.
        retirements, replacements, additions: seen within `window_months`, which the shares and lives rest on.
        further_per_year: machines that owners are expected to buy beyond replacements in the next twelve months.
        mean_life, shape: of the fitted life: its mean over the life products are sold with, and the Weibull shape.
    """

    as_of: datetime
    families: tuple[FamilyBase, ...]
    replaced_in_touch: float
    replaced_out_of_touch: float
    retirements: int
    replacements: int
    additions: int
    window_months: int
    further_per_year: float
    mean_life: float
    shape: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON: every figure by its name, rounded to what can be read."""
        out = {name: _plain(value) for name, value in asdict(self).items() if name != "families"}
        out["as_of"] = self.as_of.isoformat()
        out["families"] = [{name: _plain(v) for name, v in asdict(one).items()} for one in self.families]
        return out


def installed_report(facts: Facts, as_of: datetime, economics: Economics) -> InstalledReport | None:
    """The report at `as_of`; None where nobody is known to own a machine."""
    learnt = learn_durables(facts, as_of, economics)
    return None if learnt is None else report_of(learnt, as_of)


def report_of(learnt: Durables, as_of: datetime) -> InstalledReport:
    """The report of what was learnt."""
    base, fleet, wear = learnt.base, learnt.fleet, learnt.wear
    standing = base.standing
    names = standing["family"].value_counts().sort_index().sort_values(ascending=False, kind="stable").index
    touch = fleet.in_touch(base.silence[:, 0], YEAR)
    rate = fleet.own_rate()[:, None] * (touch + (1 - touch) * fleet.more[0] / fleet.more[1])
    return InstalledReport(
        as_of=as_of,
        families=tuple(_family(learnt, str(name)) for name in [*names, ""]),
        replaced_in_touch=float(fleet.replaced[1]),
        replaced_out_of_touch=float(fleet.replaced[0]),
        retirements=fleet.retirements,
        replacements=fleet.replacements,
        additions=fleet.additions,
        window_months=base.window,
        further_per_year=float(rate.sum()),
        mean_life=wear.mean,
        shape=wear.shape,
    )


def _family(learnt: Durables, name: str) -> FamilyBase:
    base, wear = learnt.base, learnt.wear
    every = base.standing
    own = every[every["family"] == name].reset_index(drop=True) if name else every
    account = own["account"].to_numpy(np.int64)
    owners = np.unique(account)
    age, life = own["age"].to_numpy(float), own["life_months"].to_numpy(float)
    left = wear.life_left(age, life, wear.family_factor(own["family"])) if len(own) else np.zeros(0)
    ahead = replacements_ahead(learnt, YEAR, own)
    fleets = np.bincount(every["account"].to_numpy(np.int64), minlength=len(base.owners)).astype(float)
    parts = float((base.parts[account] / fleets[account]).sum())
    years = _machine_years(learnt, name)
    return FamilyBase(
        family=name,
        machines=len(own),
        owners=len(owners),
        mean_age_months=_mean(age),
        life_months=_mean(life),
        life_left_months=_mean(left),
        beyond_life=_mean((age > life).astype(float)),
        penetration=_mean(base.under_contract[account].astype(float)),
        accounts_under_contract=_mean(base.under_contract[owners].astype(float)),
        parts_per_machine_year=parts / years if years > 0 else None,
        replacements_per_year=float(ahead.expected.sum()),
        replacement_money=float(ahead.money.sum()),
    )


def _machine_years(learnt: Durables, name: str) -> float:
    """Years that the family's machines of today's owners of one were in service within the last twelve months."""
    base = learnt.base
    machines = base.machines[base.machines["family"] == name] if name else base.machines
    machines = machines[machines["account"].isin(base.standing["account"].unique())]
    gone = np.clip(machines["retired_back"].fillna(0.0).to_numpy(float), 0, YEAR)
    return float((np.clip(machines["age"].to_numpy(float), 0, YEAR) - gone).clip(0).sum() / YEAR)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _plain(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
