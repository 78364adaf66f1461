"""Forecasts of earlier origins are shared between intervals and totals, and nothing changes by it."""

import pandas as pd
import pytest

from revml.clv import forecast_clv
from revml.clv.company.forecast import company_forecast
from revml.clv.forecast import forecast_at
from revml.config import Economics
from revml.sources.facts import Facts
from revml.sources.remembered import remembering
from tests.clv.companies import AS_OF, company


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Contracts and orders of 60 accounts each."""
    return company(tmp_path_factory.mktemp("company"), 60)


def test_sharing_changes_no_bit(facts: Facts) -> None:
    """Bands, coverage and the company's document are the same whether origins are forecast once or every time."""
    economics, horizons = Economics(), (6, 12)
    apart = forecast_clv(facts, AS_OF, economics, horizon_months=horizons, intervals=True)
    told = company_forecast(facts, AS_OF, economics, apart).to_dict()
    with remembering(facts):
        together = forecast_clv(facts, AS_OF, economics, horizon_months=horizons, intervals=True)
        assert company_forecast(facts, AS_OF, economics, together).to_dict() == told
    pd.testing.assert_frame_equal(together.flows, apart.flows, check_exact=True)
    pd.testing.assert_frame_equal(together.values, apart.values, check_exact=True)
    assert together.calibration == apart.calibration


def test_an_origin_is_forecast_once(facts: Facts) -> None:
    """Asked again it is the same object; with other economics it is another."""
    with remembering(facts):
        first = forecast_at(facts, AS_OF, Economics(), 3)
        assert forecast_at(facts, AS_OF, Economics(), 3) is first
        assert forecast_at(facts, AS_OF, Economics(margin=0.5), 3) is not first


def test_what_is_long_is_not_kept(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forecast of more account-months than `KEPT_CELLS` would hold memory that it does not pay for."""
    monkeypatch.setattr("revml.clv.forecast.KEPT_CELLS", 10)
    with remembering(facts):
        first = forecast_at(facts, AS_OF, Economics(), 3)
        assert forecast_at(facts, AS_OF, Economics(), 3) is not first
