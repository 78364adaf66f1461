"""Answers that are kept for a while are the same answers, and not too many of them."""

from pathlib import Path

from revml.sources.facts import Facts
from revml.sources.remembered import remembered, remembering
from tests.literal_facts import stage


def facts_in(folder: Path) -> Facts:
    """A company of one account."""
    return stage(folder, accounts=[{"account_id": "a", "created_at": "2024-01-01"}])


def asked(facts: Facts, keys: str, *, most: int = 2, longest: int = 9) -> list[str]:
    """The keys for which something was made."""
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    for key in keys:
        given = remembered(
            facts, "letter", key, lambda key=key: make(key), most=most, small=lambda one: len(one) <= longest
        )
        assert given == key
    return made


def test_an_answer_is_made_once(tmp_path: Path) -> None:
    """The same question asked again costs nothing."""
    facts = facts_in(tmp_path)
    with remembering(facts):
        assert asked(facts, "aba") == ["a", "b"]


def test_nothing_is_kept_afterwards(tmp_path: Path) -> None:
    """Outside, every answer is made anew."""
    facts = facts_in(tmp_path)
    with remembering(facts):
        asked(facts, "a")
    assert asked(facts, "aa") == ["a", "a"]


def test_the_outermost_keeps(tmp_path: Path) -> None:
    """A part of a piece of work leaves its answers to the whole."""
    facts = facts_in(tmp_path)
    with remembering(facts):
        with remembering(facts):
            asked(facts, "a")
        assert asked(facts, "a") == []


def test_the_one_not_asked_for_longest_makes_room(tmp_path: Path) -> None:
    """Of three letters two are kept: b went when c came, because a had been asked for since."""
    facts = facts_in(tmp_path)
    with remembering(facts):
        assert asked(facts, "abacab") == ["a", "b", "c", "b"]


def test_long_answers_are_not_kept(tmp_path: Path) -> None:
    """What is not small is made every time."""
    facts = facts_in(tmp_path)
    with remembering(facts):
        assert asked(facts, "aa", longest=0) == ["a", "a"]


def test_other_facts_are_none_of_these(tmp_path: Path) -> None:
    """The same question of another company has another answer."""
    one, other = facts_in(tmp_path / "one"), facts_in(tmp_path / "other")
    with remembering(one):
        asked(one, "a")
        assert asked(other, "a") == ["a"]
