"""The phrases of a feature in one language: what moved and how, beside what is usual among similar accounts.

A phrase is compiled once a feature: its label and the words around the numbers are put together from the catalogues
(`locales/*/reasons.po`), and only numbers are filled in after. Each kind of feature has its own: amounts move, clocks
tell the time, what is compared already is higher or lower, flags are yes or no. Numbers come `written.rounded`, None
where unknown, so that what is said to have moved has moved in print.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from revml.explanations.written import Plural, Written, written
from revml.features.spec import Feature
from revml.locales import Words, words
from revml.snapshots import PAST_DAYS

Number = float | None
PAST_WEEKS = PAST_DAYS // 7
HARDLY = 0.05  # of the larger of two amounts: less is told as hardly any change
POINT = 0.0105  # of a share: a percentage point, and what binary numbers lack of it
ALIKE = 0.025  # a ratio this near to 1 is about the same
WORTH_TIMES = 2.0  # from here on a multiple reads better than percent
REMEMBERED = 1024  # texts of numbers, a phrase
_PLACE = re.compile(r"\{(\w+)\}")
CLOCKS = ("ago", "in", "for")  # a feature with such words in the catalogue is a clock: when, or how long
SPANS = frozenset({"feature.order_gap_trend", "feature.order_overdue_ratio", "feature.order_overdue_worst_ratio"})
DEVIATION_WORDS = ("reason.far_less", "reason.less", "reason.usual", "reason.more", "reason.far_more")


class Phrase(Protocol):
    """Tells one feature of any account."""

    def say(self, value: Number, past: Number, peers: Number, past_peers: Number, since: int, seen: bool) -> str:
        """A sentence.

        Args:
            value, past, peers, past_peers: rounded; None where unknown. Of flags, the peers are a share of yes.
            since: days in which most of the movement came about; less than 0 if before them, 0 if unknown.
            seen: whether the account was looked at `PAST_WEEKS` ago, so that an unknown past is one that was not known.
        """


def phrase(feature: Feature, label: str, language: str, currency: str) -> Phrase:
    """The phrase of a feature that is not a category."""
    speak, write = words(language), written(language, currency)
    if feature.kind == "flag":
        return _Flag(label, speak, write)
    clock = next((c for c in CLOCKS if not feature.label and _clock_key(c, feature) in speak), None)
    if clock is not None:
        return _Clock(speak.text(_clock_key(clock, feature)), speak.text(_clock_key("none", feature)), clock, speak)
    if feature.kind == "deviation":
        said = [speak.text(key) for key in DEVIATION_WORDS]
        return _Compared(label, speak, lambda place: said[int(place)])
    if feature.kind == "ratio" and not feature.label:
        return _Compared(label, speak, _relation(feature, speak, write))
    if feature.kind == "number" and "_change" in feature.key and not feature.label:
        return _Compared(label, speak, lambda v: ("+" if v > 0 else "") + write.number(v))
    if "_year_ago" in feature.key and not feature.label:  # the season's, which no one moves
        return _Compared(label, speak, _amount(feature, speak, write))
    return _Amount(feature, label, speak, write)


def _clock_key(clock: str, feature: Feature) -> str:
    return f"{clock}.{feature.key.removeprefix('feature.')}"


def filled(text: str, *names: str, **fixed: str) -> Callable[..., str]:
    """A template whose fixed places are filled, and whose `names`, at most three, are filled in order.

    Pieces put side by side take a third of the time of `str.format`, and there are millions of sentences.

    >>> filled("{label}: {value}", "value", label="{odd} label")("19")
    '{odd} label: 19'
    """
    pieces, order = [""], []
    for place, piece in enumerate(_PLACE.split(text)):
        if place % 2 and piece in names:
            order.append(names.index(piece))
            pieces.append("")
        else:
            pieces[-1] += fixed[piece] if place % 2 else piece
    if order == [0]:
        before, after = pieces
        return lambda one: before + one + after
    if order == [0, 1]:
        before, between, after = pieces
        return lambda one, two: before + one + between + two + after
    if order == [0, 1, 2]:
        before, between, beyond, after = pieces
        return lambda one, two, three: before + one + between + two + beyond + three + after
    return lambda *told: pieces[0] + "".join(told[at] + piece for at, piece in zip(order, pieces[1:], strict=True))


def remembered(text: Callable[[float], str]) -> Callable[[float], str]:
    """The texts of numbers, of which most come again; the memory is small, for a service runs long."""
    made: dict[float, str] = {}

    def one(value: float) -> str:
        found = made.get(value)
        if found is None:
            if len(made) >= REMEMBERED:
                made.clear()
            found = made[value] = text(value)
        return found

    return one


class _Amount:
    """How much or how many: rose, fell, came to zero, or did not move."""

    def __init__(self, feature: Feature, label: str, speak: Words, write: Written) -> None:
        self._days, self._share = feature.kind == "days", feature.kind == "share"
        self._text = remembered(_amount(feature, speak, write))
        self._zero = feature.kind in ("count", "number", "money")
        self._hisses = write.hisses
        ago, within = (speak.count(f"reason.{key}", PAST_WEEKS) for key in ("weeks_ago", "within"))
        fixed = {"label": label, "ago": ago, "within": within}

        def made(key: str, *names: str) -> Callable[..., str]:
            return filled(speak.text(f"reason.{key}"), *names, **fixed)

        self._unknown = made("unknown")()
        self._lost = made("lost", "past")
        self._alone, self._first, self._same = (made(key, "value") for key in ("alone", "first", "same"))
        self._fell, self._rose = (made(key, "past", "value", "since") for key in ("fell", "rose"))
        self._hardly = made("hardly", "past", "value")
        self._from, self._from_soft, self._to = (made(key, "value") for key in ("from", "from_soft", "to"))
        self._from_zero, self._to_zero = speak.text("reason.from_zero"), speak.text("reason.to_zero")
        self._usual, self._held = made("peers", "value"), made("peers_held", "value")
        self._peers_fell, self._peers_rose = (made(key, "past", "value") for key in ("peers_fell", "peers_rose"))
        self._origin, self._target = remembered(self._from_text), remembered(self._to_text)
        self._lately, self._before = Plural(speak, "reason.lately"), Plural(speak, "reason.before")

    def say(self, value: Number, past: Number, peers: Number, past_peers: Number, since: int, seen: bool) -> str:
        if self._days and value is not None and past is not None and abs(abs(value - past) - PAST_DAYS) < 0.5:
            past, seen = None, False  # the passing of time is no news
        if value is None:
            said = self._unknown if past is None else self._lost(self._text(past))
        elif past is None:
            said = (self._first if seen else self._alone)(self._text(value))
        else:
            said = self._moved(value, past, since)
            if peers is not None and past_peers is not None:
                return said + self._peers_moved(peers, past_peers)
        return said if peers is None else said + self._usual(self._text(peers))

    def _moved(self, value: float, past: float, since: int) -> str:
        if value == past:
            return self._same(self._text(value))
        if self._hardly_moved(value, past):
            return self._hardly(self._origin(past), self._to(self._text(value)))
        when = ""
        if since:
            when = (self._lately if since > 0 else self._before).of(abs(since) // 7)
        return (self._fell if value < past else self._rose)(self._origin(past), self._target(value), when)

    def _peers_moved(self, peers: float, past: float) -> str:
        if peers == past or self._hardly_moved(peers, past):
            return self._held(self._text(peers))
        return (self._peers_fell if peers < past else self._peers_rose)(self._origin(past), self._target(peers))

    def _hardly_moved(self, value: float, past: float) -> bool:
        return hardly(value, past) or (self._share and abs(value - past) < POINT)

    def _from_text(self, past: float) -> str:
        if self._zero and past == 0:
            return self._from_zero
        text = self._text(past)
        return (self._from_soft if self._hisses(text) else self._from)(text)

    def _to_text(self, value: float) -> str:
        return self._to_zero if self._zero and value == 0 else self._to(self._text(value))


def hardly(value: float, past: float) -> bool:
    """Whether two amounts differ by a twentieth at most.

    >>> hardly(39.0, 41.0), hardly(38.0, 41.0), hardly(0.0, 1.0)
    (True, False, False)
    """
    return abs(value - past) <= HARDLY * (a if (a := abs(value)) > (b := abs(past)) else b)


def _amount(feature: Feature, speak: Words, write: Written) -> Callable[[float], str]:
    if feature.kind == "money":
        return write.money
    if feature.kind == "share":
        return write.percent
    if feature.kind == "ratio":
        times = filled(speak.text("reason.times"), "number")
        return lambda v: times(write.number(v))
    return write.number


class _Clock:
    """When something was or will be, or how long it has been so; its past is told only where time alone differs."""

    def __init__(self, label: str, unknown: str, clock: str, speak: Words) -> None:
        self._value, self._days = Plural(speak, f"reason.{clock}"), Plural(speak, "unit.days")
        self._label, self._short = label, speak.text(f"reason.{clock}_short")
        self._unknown = unknown
        self._before = filled(
            speak.text("reason.clock_before"), "past", earlier=speak.count("reason.earlier", PAST_WEEKS)
        )
        self._usual = filled(speak.text("reason.peers"), "value")

    def say(self, value: Number, past: Number, peers: Number, past_peers: Number, since: int, seen: bool) -> str:
        said = (
            self._unknown if value is None else f"{self._label} {self._value.of(int(value)) if value else self._short}"
        )
        if past is not None and (value is None or (abs(abs(value - past) - PAST_DAYS) >= 0.5 and value != past)):
            said += self._before(self._days.of(int(past)))
        return said if peers is None else said + self._usual(self._days.of(int(peers)))


class _Compared:
    """What is a comparison by itself (with a year ago, with the usual): told as it is, its past in brackets."""

    def __init__(self, label: str, speak: Words, text: Callable[[float], str]) -> None:
        ago = speak.count("reason.weeks_ago", PAST_WEEKS)
        self._text = remembered(text)
        self._unknown = filled(speak.text("reason.unknown"), label=label)()
        self._lost = filled(speak.text("reason.lost"), "past", label=label, ago=ago)
        self._alone = filled(speak.text("reason.alone"), "value", label=label)
        self._changed = filled(speak.text("reason.changed"), "value", "past", label=label, ago=ago)
        self._usual = filled(speak.text("reason.peers"), "value")

    def say(self, value: Number, past: Number, peers: Number, past_peers: Number, since: int, seen: bool) -> str:
        if value is None:
            said = self._unknown if past is None else self._lost(self._text(past))
        else:
            now, before = self._text(value), None if past is None else self._text(past)
            said = self._alone(now) if before is None or before == now else self._changed(now, before)
        return said if peers is None else said + self._usual(self._text(peers))


def _relation(feature: Feature, speak: Words, write: Written) -> Callable[[float], str]:
    """A ratio as percent above or below what it is compared with, or as a multiple of it."""
    more, less = ("longer", "shorter") if feature.key in SPANS else ("higher", "lower")
    above, below = (filled(speak.text(f"reason.{key}"), "value") for key in (more, less))
    times = filled(speak.text("reason.times"), "number")
    alike, nothing = speak.text("reason.usual"), speak.text("reason.nothing")

    def text(ratio: float) -> str:
        if ratio >= WORTH_TIMES or ratio < 0:
            return times(write.number(ratio))
        if ratio == 0:
            return nothing
        if abs(ratio - 1) <= ALIKE:
            return alike
        return (above if ratio > 1 else below)(write.percent(round(abs(ratio - 1), 2)))

    return text


class _Flag:
    """Yes or no, and for how many similar accounts yes."""

    def __init__(self, label: str, speak: Words, write: Written) -> None:
        ago = speak.count("reason.weeks_ago", PAST_WEEKS)
        self._words = (speak.text("reason.no"), speak.text("reason.yes"))
        self._percent = write.percent
        self._unknown = filled(speak.text("reason.unknown"), label=label)()
        self._lost = filled(speak.text("reason.lost"), "past", label=label, ago=ago)
        self._alone = filled(speak.text("reason.alone"), "value", label=label)
        self._changed = filled(speak.text("reason.flag_changed"), "value", "past", label=label, ago=ago)
        self._usual = filled(speak.text("reason.peers_flag"), "value")

    def say(self, value: Number, past: Number, peers: Number, past_peers: Number, since: int, seen: bool) -> str:
        before = None if past is None else self._words[past > 0.5]
        if value is None:
            said = self._unknown if before is None else self._lost(before)
        else:
            now = self._words[value > 0.5]
            said = self._alone(now) if before is None or before == now else self._changed(now, before)
        return said if peers is None else said + self._usual(self._percent(peers))


class CategoryPhrase:
    """A word of the company's own; what it was before is told only where it was another."""

    def __init__(self, label: str, language: str, currency: str) -> None:
        speak = words(language)
        ago = speak.count("reason.weeks_ago", PAST_WEEKS)
        self._percent = written(language, currency).percent
        self._unknown = filled(speak.text("reason.unknown"), label=label)()
        self._lost = filled(speak.text("reason.lost"), "past", label=label, ago=ago)
        self._alone = filled(speak.text("reason.alone"), "value", label=label)
        self._changed = filled(speak.text("reason.changed"), "value", "past", label=label, ago=ago)
        self._usual = filled(speak.text("reason.peers_category"), "value")

    def say(self, value: object, past: object, peers: Number) -> str:
        """A sentence of texts, None where unknown; `peers` is the share of all accounts with the same value."""
        if value is None:
            return self._unknown if past is None else self._lost(str(past))
        alone = past is None or past == value
        said = self._alone(str(value)) if alone else self._changed(str(value), str(past))
        return said if peers is None else said + self._usual(self._percent(peers))
