"""The rungs: each adds up, each stands in JSON, each does what its name says."""

from __future__ import annotations

import json

import lightgbm
import numpy as np
import pandas as pd
import pytest

from revml.models.baselines import Constant, Logistic, Rule, Rung, baseline_from_json
from revml.models.blend import Blend
from revml.models.encoding import Encoding
from revml.models.learner import dataset, fit_trees
from revml.models.trees import Trees

RNG = np.random.default_rng(1)
N = 3_000
HEALTH = RNG.normal(size=N)
FRAME = pd.DataFrame(
    {
        "health": HEALTH,
        "noise": RNG.normal(size=N),
        "spend": np.exp(3 * RNG.normal(size=N)),
        "days_to_renewal": RNG.uniform(0, 400, N),
        "industry": RNG.choice(["banking", "mining"], N),
    }
)
FRAME.loc[::7, "health"] = np.nan
LOG_ODDS = -1 - 1.5 * np.nan_to_num(FRAME["health"]) + 2.0 * (FRAME["days_to_renewal"].between(60, 150))
LABEL = (RNG.random(N) < 1 / (1 + np.exp(-LOG_ODDS))).astype(float).to_numpy()
ENCODING = Encoding.fit(FRAME, tuple(FRAME.columns), categorical=("industry",))
MATRIX = ENCODING.matrix(FRAME)
ACCOUNTS = np.arange(N) // 3
PARAMS = {"num_leaves": 7, "min_data_in_leaf": 50}


def _rungs() -> list[Rung]:
    rule = Rule.fit(MATRIX, LABEL, ACCOUNTS, ENCODING)
    assert rule is not None
    logistic = Logistic.path(MATRIX, LABEL, ACCOUNTS, ENCODING, strengths=[0.1])[-1]
    trees = fit_trees(dataset(MATRIX, LABEL, ENCODING, PARAMS), ENCODING, PARAMS, rounds=30, seed=1, threads=1)
    return [Constant.fit(LABEL), rule, logistic, trees, Blend(logistic, trees, 0.3)]


RUNGS = _rungs()


@pytest.mark.parametrize("rung", RUNGS, ids=lambda r: r.name)
def test_contributions_add_up(rung: Rung) -> None:
    """Base plus the parts of all features is the raw log-odds, for every rung."""
    base, parts = rung.contributions(MATRIX)
    assert parts.shape == MATRIX.shape
    assert base + parts.sum(axis=1) == pytest.approx(rung.raw(MATRIX), abs=1e-9)


@pytest.mark.parametrize("rung", RUNGS[:3], ids=lambda r: r.name)
def test_json_keeps_every_bit(rung: Rung) -> None:
    """A baseline read back from JSON predicts the same bits."""
    again = baseline_from_json(json.loads(json.dumps(rung.to_json())))
    assert (again.raw(MATRIX) == rung.raw(MATRIX)).all()


def test_rule_finds_the_column_that_tells() -> None:
    """The best single column is the one that drives the label most."""
    rule = RUNGS[1]
    assert isinstance(rule, Rule)
    assert ENCODING.names[rule.column] == "health"


def test_rule_gives_missing_values_a_rate_of_their_own() -> None:
    """Rows without the value get the rate of the training rows without it, shrunk to the base rate."""
    rule = RUNGS[1]
    assert isinstance(rule, Rule)
    unknown = np.isnan(MATRIX[:, rule.column])
    expected = (LABEL[unknown].sum() + 20 * LABEL.mean()) / (unknown.sum() + 20)
    assert 1 / (1 + np.exp(-rule.missing)) == pytest.approx(expected)


def test_logistic_bends_where_no_line_fits() -> None:
    """A hump over the days to renewal is found: its middle scores above both of its ends."""
    rows = FRAME.iloc[[0, 0, 0]].assign(days_to_renewal=[10.0, 100.0, 350.0], health=0.0)
    low, middle, high = RUNGS[2].raw(ENCODING.matrix(rows))
    assert middle > max(low, high) + 1


def test_logistic_leaves_out_what_tells_nothing() -> None:
    """A column of noise has no weight to speak of."""
    _, parts = RUNGS[2].contributions(MATRIX)
    noise, health = (np.abs(parts[:, ENCODING.names.index(n)]).mean() for n in ("noise", "health"))
    assert noise < 0.05 * health


def test_monotone_constraint_holds() -> None:
    """A constrained feature never moves the score the other way."""
    held = Encoding.fit(FRAME, tuple(FRAME.columns), categorical=("industry",), monotone={"health": -1})
    trees = fit_trees(dataset(MATRIX, LABEL, held, PARAMS), held, PARAMS, rounds=60, seed=1, threads=1)
    rows = FRAME.iloc[[5] * 50].assign(health=np.linspace(-3, 3, 50))
    assert (np.diff(trees.raw(held.matrix(rows))) <= 1e-12).all()


def test_model_text_tells_nothing_of_the_machine() -> None:
    """One thread or two, the text is the same."""
    data = [dataset(MATRIX, LABEL, ENCODING, PARAMS) for _ in range(2)]
    one, two = (fit_trees(d, ENCODING, PARAMS, rounds=20, seed=1, threads=t) for d, t in zip(data, (1, 2), strict=True))
    assert one.text == two.text


def test_contributions_are_lightgbms_own() -> None:
    """The trees' contributions are those of `pred_contrib` on the text that is saved."""
    trees = RUNGS[3]
    assert isinstance(trees, Trees)
    wanted = lightgbm.Booster(model_str=trees.text).predict(MATRIX, pred_contrib=True)
    assert (trees.contributions(MATRIX)[1] == wanted[:, :-1]).all()
