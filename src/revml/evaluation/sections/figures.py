"""The figures of the test with their intervals, the calibration, and both by segment."""

from __future__ import annotations

from collections.abc import Callable

from revml.evaluation.sections.markdown import Manifest, bar, listed, table
from revml.locales import Words

SHARES = ("events_caught", "events_within_reach", "money_caught")
DIGITS = {"lift": 2, "calibration_ratio": 2, "roc_auc": 3, "pr_auc": 3}


def measured(say: Words, manifest: Manifest) -> list[str]:
    """Every figure with its interval."""
    figures = manifest["figures"]
    rows = []
    for name, figure in figures["values"].items():
        value, low, high = (_number(say, name, figure[k]) for k in ("value", "low", "high"))
        interval = say.text("card.figures.between", low=low, high=high) if figure["low"] is not None else ""
        rows.append((say.text(f"card.figure.{name}"), value, interval))
    headers = [say.text(f"card.figures.{k}") for k in ("name", "value", "interval")]
    return [table(headers, rows), say.text("card.figures.how", capacity=listed(say, manifest))]


def _number(say: Words, name: str, value: float | None) -> str:
    if value is None:
        return say.text("card.figures.unknown")
    return say.percent(value, 1) if name in SHARES else say.number(value, DIGITS.get(name, 4))


def calibrated(say: Words, manifest: Manifest) -> list[str]:
    """Expected beside observed events, overall and as a picture by tenth."""
    figures = manifest["figures"]
    top = max([0.01, *(max(row["predicted"], row["observed"]) for row in figures["reliability"])])
    rows = [
        (
            say.number(k),
            say.number(row["n"]),
            say.percent(row["predicted"], 1),
            _between(say, row, say.percent) if "low" in row else "",
            say.percent(row["observed"], 1),
            bar(row["observed"] / top, row["predicted"] / top),
        )
        for k, row in enumerate(figures["reliability"], start=1)
    ]
    names = ("tenth", "n", "predicted", "interval", "observed", "picture")
    return [
        say.text(f"card.calibration.{manifest['calibration']}"),
        _expected(say, figures),
        table([say.text(f"card.calibration.{k}") for k in names], rows),
        say.text("card.calibration.how"),
    ]


def _expected(say: Words, figures: Manifest) -> str:
    told = figures.get("expected")
    if not told:
        return ""
    numbers = {name: say.number(told[name]) for name in ("events", "low", "high", "observed")}
    return say.text("card.expected.inside" if told["inside"] else "card.expected.outside", **numbers)


def _between(say: Words, row: Manifest, tell: Callable[[float], str], prefix: str = "") -> str:
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return "" if low is None else say.text("card.figures.between", low=tell(low), high=tell(high))
