"""The choice between a process and the two stages, on buyers whose habits are known."""

from pathlib import Path

import pytest

from revml.clv.orders.choice import Candidate, OrderChoice, choose
from revml.clv.orders.fitting import Process
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, company
from tests.clv.leaving_buyers import rows_of, shop


@pytest.fixture(scope="module")
def leaving(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Eight hundred buyers."""
    return shop(tmp_path_factory.mktemp("leaving"), rows_of(800))


@pytest.fixture(scope="module")
def chosen(leaving: Facts) -> OrderChoice:
    """The choice for half a year."""
    return choose(leaving, AS_OF, 6)


def test_a_habit_that_no_process_knows_is_left_to_the_two_stages(chosen: OrderChoice) -> None:
    """Last orders are small: the two stages see it, win the back-test and begin at Pareto/NBD."""
    assert chosen.candidate is Candidate.TWO_STAGE
    assert chosen.model is not None
    assert chosen.kind is Process.PARETO_NBD
    marks = {mark.candidate: mark for mark in chosen.marks}
    assert set(marks) == set(Candidate)
    assert marks[Candidate.TWO_STAGE].deviance < marks[Candidate.MBG].deviance
    assert marks[Candidate.TWO_STAGE].gini > marks[Candidate.MBG].gini


def test_the_table_stands_in_the_sentence(chosen: OrderChoice) -> None:
    """Who reads the notes learns what was compared, and from when."""
    assert chosen.why.startswith("orders by two stages, chosen by a back-test over")
    assert all(mark.candidate.words in chosen.why for mark in chosen.marks)


def test_the_horizon_that_is_tested_fits_the_history(chosen: OrderChoice) -> None:
    """Of two years a quarter at most, and no more than was asked for."""
    assert chosen.months == 5 or chosen.months == 6


def test_a_small_company_keeps_the_process(tmp_path: Path) -> None:
    """A hundred and twenty buyers: the process with rhythm, no level, and the reason."""
    made = choose(company(tmp_path), AS_OF, 12)
    assert (made.candidate, made.kind, made.model) == (Candidate.MBG, Process.MBG_ERLANG, None)
    assert (made.orders_level.origins, made.revenue_level.origins) == (0, 0)
    assert "no back-test can choose" in made.why


def test_the_same_facts_give_the_same_choice(leaving: Facts, chosen: OrderChoice) -> None:
    """To the last digit."""
    assert choose(leaving, AS_OF, 6).marks == chosen.marks
