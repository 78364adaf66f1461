"""Values that a model may be asked about: of a feature that there is, possible by its kind, warned of beyond the known.

Comes in: a bundle, a row, and what somebody typed. Goes out: numbers and texts, with warnings where a value lies
beyond anything that the model learned from. What cannot be (a share of 130 %, minus three users, half a ticket, a
category that the model never saw) is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from revml.errors import ConfigError
from revml.explanations.amounts import Value, amount
from revml.explanations.one_row import feature_of
from revml.features.catalog import feature_words
from revml.features.derived import AFTER_SCALED, CLOCKS, FORMULAS, PARTS, SCALED, WINDOWS
from revml.features.moving import at_most
from revml.features.spec import WHOLE_NUMBERS, Feature
from revml.locales import words
from revml.models.bundle import Bundle
from revml.yaml_file import nearest

GREATEST = 3.4e38  # float32, what features are stored in
NEVER_NEGATIVE = frozenset({"count", "share", "ratio", "days", "flag"})
TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
UNKNOWN = frozenset({"", "null", "none", "unknown"})
SHOWN = 12


@dataclass(frozen=True)
class Asked:
    """A warning about something that was asked.

    Args:
        kind: more: than there can be beside the other figures of the account, at most `high`; beyond: further than
            anything the model saw, whose range is `low` to `high`; unused: the model does not look at the feature, nor
            at anything that moves with it.
    """

    kind: Literal["beyond", "more", "unused"]
    feature: Feature
    value: Value
    low: float | None = None
    high: float | None = None

    def text(self, language: str, currency: str) -> str:
        """The warning in words."""
        speak, label = words(language), feature_words(self.feature, language)
        shown = [amount(self.feature, value, language, currency) for value in (self.value, self.low, self.high)]
        return speak.text(f"whatif.{self.kind}", label=label, value=shown[0], low=shown[1], high=shown[2])


def checked(
    bundle: Bundle, row: Mapping[str, Value], values: Mapping[str, Any]
) -> tuple[dict[str, Value], tuple[Asked, ...]]:
    """What was asked as values of the row, and warnings.

    Raises:
        ConfigError: `where` names the feature.
    """
    asked: dict[str, Value] = {}
    warnings: list[Asked] = []
    for name, value in values.items():
        if name not in row:
            raise _unknown(bundle, row, name)
        feature = feature_of(bundle, name)
        asked[name] = (
            _category(bundle, feature, value) if _is_text(bundle, feature) else _number(bundle, feature, value)
        )
        warnings += _warned(bundle, row, feature, asked[name])
    return asked, tuple(warnings)


def typed(bundle: Bundle, name: str, text: str) -> Any:
    """What was typed after `feature=`: a number, yes or no, the text of a category; nothing means not known.

    >>> import types
    >>> bundle = types.SimpleNamespace(ready=None, categorical=("plan",))
    >>> [typed(bundle, "seats", "12.5"), typed(bundle, "plan", "pro"), typed(bundle, "auto_renew", "yes")]
    [12.5, 'pro', True]
    """
    if text.strip().lower() in UNKNOWN:
        return None
    if _is_text(bundle, feature_of(bundle, name)):
        return text
    if feature_of(bundle, name).kind == "flag" and text.strip().lower() in TRUE | FALSE:
        return text.strip().lower() in TRUE
    try:
        return float(text)
    except ValueError:
        return text


def _is_text(bundle: Bundle, feature: Feature) -> bool:
    return feature.kind == "category" or feature.name in bundle.categorical


def _category(bundle: Bundle, feature: Feature, value: Any) -> Value:
    if value is None:
        return None
    column = next((c for c in bundle.encoding.columns if c.name == feature.name), None)
    if not isinstance(value, str):
        raise _refused(feature, "a category is a text", "a text, or nothing", value)
    if column is not None and value not in column.codes:
        raise ConfigError(
            f"the model never saw {value[:80]!r}",
            where=feature.name,
            wanted=_some(column.codes),
            got=value[:80],
            do=nearest(value, column.codes) or "choose one that it knows",
        )
    return value


def _number(bundle: Bundle, feature: Feature, value: Any) -> Value:
    if value is None:
        return None
    if isinstance(value, bool):
        if feature.kind != "flag":
            raise _refused(feature, "not a number", "a number", value)
        return float(value)
    if not isinstance(value, int | float):
        raise _refused(feature, "not a number", "a number, or nothing for not known", value)
    if not -GREATEST <= value <= GREATEST:  # NaN is not, either
        raise _refused(feature, "not a number within float32", "a finite number", value)
    number = float(value)
    low, high = seen(bundle, feature.name)
    if number < 0 and ((low is not None and low >= 0) or (low is None and feature.kind in NEVER_NEGATIVE)):
        raise _refused(feature, "it cannot be negative", "0 or more", value)
    if feature.kind == "flag" and number not in (0.0, 1.0):
        raise _refused(feature, "it is yes or no", "1 or 0", value)
    if feature.kind in WHOLE_NUMBERS and not number.is_integer():
        raise _refused(feature, "it is a whole number", "a whole number", value)
    if feature.kind == "share" and number > 1 and (high is None or high <= 1):
        raise _refused(feature, "a share is at most 1", "0 to 1 (1 is 100 %)", value)
    return number


def seen(bundle: Bundle, name: str) -> tuple[float | None, float | None]:
    """The least and the greatest value that the model learned from; None where it is not known."""
    told = bundle.reference.get("features", {}).get(name, {}).get("quantiles") or []
    return (told[0], told[-1]) if told else (None, None)


def _warned(bundle: Bundle, row: Mapping[str, Value], feature: Feature, value: Value) -> list[Asked]:
    found = []
    low, high = seen(bundle, feature.name)
    if isinstance(value, float) and low is not None and high is not None:
        slack = 1e-5 * max(abs(low), abs(high))  # the range is kept to six digits
        if value < low - slack or value > high + slack:
            found.append(Asked("beyond", feature, value, low, high))
    most = at_most(feature.name, {name: other for name, other in row.items() if not isinstance(other, str)})
    if isinstance(value, float) and most is not None and value > most:
        found.append(Asked("more", feature, value, high=most))
    if feature.name not in bundle.features and not (with_it(feature.name) & set(bundle.features)):
        found.append(Asked("unused", feature, value))
    return found


def with_it(name: str) -> set[str]:
    """What may move when a feature is set, as far as it is declared."""
    found = {name}
    for _ in range(3):
        for clock, stem in CLOCKS.items():
            family = {clock, *(f"{stem}_{w}d" for w in WINDOWS[stem][0])}
            found |= family if family & found else set()
        for stem, (days, _kind) in WINDOWS.items():
            family = {f"{stem}_{w}d" for w in days}
            found |= family if family & found else set()
        found |= {whole for part, whole in PARTS.items() if part in found}
        for formulas in (FORMULAS, SCALED, AFTER_SCALED):
            found |= {derived for derived, formula in formulas.items() if found & set(formula.inputs)}
    return found


def _unknown(bundle: Bundle, row: Mapping[str, Value], name: str) -> ConfigError:
    return ConfigError(
        f"there is no feature {name[:80]!r} in the row that the {bundle.question} model scored",
        where=name[:80],
        wanted=_some(bundle.features),
        got=name[:80],
        do=nearest(name, tuple(row)) or "`revml features` and `GET /v1/models` list them",
    )


def _refused(feature: Feature, what: str, wanted: str, value: Any) -> ConfigError:
    got = "NaN" if isinstance(value, float) and math.isnan(value) else repr(value)[:80]
    return ConfigError(what, where=feature.name, wanted=wanted, got=got)


def _some(names: Any) -> str:
    shown = [str(name) for name in names][:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
