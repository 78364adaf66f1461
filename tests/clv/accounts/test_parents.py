"""Parents are the sums of their children, each counted once; what cannot be is named."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from revml.clv.accounts.parents import family, said


def sums(parents: dict[str, str | None], own: dict[str, float]) -> dict[str, float]:
    """account -> own value and all below it."""
    made = family(parents)
    totals = made.with_children(np.array([own.get(a, 0.0) for a in made.account_id]))
    return dict(zip(made.account_id, totals.tolist(), strict=True))


def test_three_levels_by_hand() -> None:
    """A group without a value of its own is worth its companies and their branches."""
    made = sums({"group": None, "a": "group", "b": "group", "a1": "a", "x": None}, {"a": 1, "b": 2, "a1": 4, "x": 8})
    assert made == {"group": 7, "a": 5, "b": 2, "a1": 4, "x": 8}


def test_an_unknown_parent_is_named_and_none() -> None:
    """The account stands alone, with its whole value."""
    made = family({"a": "nobody", "b": "a"})
    assert made.unknown == ("a",)
    assert made.with_children(np.array([1.0, 2.0])).tolist() == [3.0, 2.0]
    assert said(made) == ["1 account (a) name a parent that is not among the accounts: taken as having none"]


def test_a_circle_is_named_and_broken() -> None:
    """Two that are each other's parent, and one its own, count for themselves; who hangs below them counts above."""
    made = family({"a": "b", "b": "a", "c": "a", "d": "d"})
    assert made.circles == ("a", "b", "d")
    assert made.with_children(np.array([1.0, 2.0, 4.0, 8.0])).tolist() == [5.0, 2.0, 4.0, 8.0]
    assert "3 accounts (a, b, d)" in said(made)[0]


def test_a_long_chain_is_no_recursion() -> None:
    """Twenty thousand levels add up."""
    chain: dict[str, str | None] = {f"{i:05}": f"{i - 1:05}" if i else None for i in range(20_000)}
    made = family(chain)
    assert made.with_children(np.ones(20_000))[0] == 20_000


def test_ancestors_of_those_who_are_shown() -> None:
    """A holding without a value is shown where its company is; other companies are not."""
    made = family({"group": None, "a": "group", "b": "group"})
    assert made.ancestors(made.account_id == "a").tolist() == [True, False, True]


@given(st.lists(st.integers(-2, 11), min_size=12, max_size=12), st.lists(st.integers(0, 99), min_size=12, max_size=12))
def test_roots_add_up_to_all(above: list[int], own: list[int]) -> None:
    """Whatever the parents, circles and strangers included, the totals of roots are the total, none below its own."""
    names = [f"{i:02}" for i in range(12)]
    made = family(
        {a: None if p == -1 else "stranger" if p == -2 else names[p] for a, p in zip(names, above, strict=True)}
    )
    totals = made.with_children(np.array(own, dtype=float))
    assert totals[made.parent < 0].sum() == sum(own)
    assert (totals >= own).all()
