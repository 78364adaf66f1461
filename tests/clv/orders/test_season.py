"""The season of a company's orders."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from revml.clv.orders.season import order_season
from revml.clv.value import MONTH_SECONDS
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, order
from tests.literal_facts import stage


def shop(folder: Path, months: int, factors: np.ndarray, noise: float = 0.0, last: int = 0, odd: float = 0.0) -> Facts:
    """About forty orders a month for so many months until `AS_OF`, times the factor of the month ahead of it.

    The `last` months have `odd` orders instead.
    """
    rng = np.random.default_rng(3)
    rows = []
    for back in range(months):
        n = round((odd if back < last else 40 * factors[(11 - back) % 12]) * float(rng.lognormal(0.0, noise)))
        for i in range(n):
            day = AS_OF - timedelta(seconds=MONTH_SECONDS * (back + 0.5))
            rows.append(order(f"a{back}-{i}", day.isoformat(), 10))
    return stage(folder, accounts=accounts_of(rows), orders=rows, observed_until=AS_OF.isoformat())


CHRISTMAS = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3.0])


def test_three_years_tell_the_season(tmp_path: Path) -> None:
    """A month of three times the orders comes back as three times the others, on average one."""
    found = order_season(shop(tmp_path, 37, CHRISTMAS), AS_OF)
    assert np.isclose(found.factors.mean(), 1.0)
    assert 2.7 < found.factors[11] / found.factors[:11].mean() < 3.3
    assert found.kept > 0.95


def test_less_than_two_years_tell_none(tmp_path: Path) -> None:
    """Twenty-one months: the factors are one, and it is known how many months there were."""
    found = order_season(shop(tmp_path, 22, CHRISTMAS), AS_OF)
    assert (found.factors == 1).all()
    assert (found.months, found.kept) == (21, 0.0)


def test_noise_is_hardly_believed(tmp_path: Path) -> None:
    """Months that scatter without a season are drawn back to within a tenth of one on average."""
    found = order_season(shop(tmp_path, 37, np.ones(12), noise=0.3), AS_OF)
    assert np.abs(np.log(found.factors)).mean() < 0.1


def test_the_future_does_not_tell_its_season(tmp_path: Path) -> None:
    """At an instant a year before the end, whatever that year brought moves nothing."""
    earlier = AS_OF - timedelta(seconds=12 * MONTH_SECONDS)
    whole, corrupted = shop(tmp_path / "a", 37, CHRISTMAS), shop(tmp_path / "b", 37, CHRISTMAS, last=12, odd=500)
    assert order_season(whole, earlier).months == 24
    assert (order_season(whole, earlier).factors == order_season(corrupted, earlier).factors).all()


def test_a_window_that_began_a_year_ago_has_the_factor_of_the_year_ahead(tmp_path: Path) -> None:
    """What came in the last month of the window is where the last month ahead will be."""
    found = order_season(shop(tmp_path, 37, CHRISTMAS), AS_OF)
    assert found.of_window(12, 3) == found.ahead(3).mean()
    assert found.of_window(1, 1) == found.factors[11]
