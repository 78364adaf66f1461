"""The figures of the test with their intervals, the calibration, and both by segment."""

from __future__ import annotations

from revml.evaluation.sections.markdown import Manifest, label, table
from revml.locales import Words

SHARES = ("events_caught", "events_within_reach", "money_caught")
DIGITS = {"lift": 2, "calibration_ratio": 2, "roc_auc": 3, "pr_auc": 3}


def tested(say: Words, manifest: Manifest) -> list[str]:
    """Every figure with its interval."""
    figures = manifest["figures"]
    rows = []
    for name, figure in figures["values"].items():
        value, low, high = (_number(say, name, figure[k]) for k in ("value", "low", "high"))
        interval = say.text("card.figures.between", low=low, high=high) if figure["low"] is not None else ""
        rows.append((say.text(f"card.figure.{name}"), value, interval))
    headers = [say.text(f"card.figures.{k}") for k in ("name", "value", "interval")]
    capacity = say.count("card.accounts", figures["capacity"])
    return [table(headers, rows), say.text("card.figures.how", capacity=capacity)]


def _number(say: Words, name: str, value: float | None) -> str:
    if value is None:
        return say.text("card.figures.unknown")
    return say.percent(value, 1) if name in SHARES else say.number(value, DIGITS.get(name, 4))


def calibrated(say: Words, manifest: Manifest) -> list[str]:
    """Predicted beside observed share, by tenth."""
    rows = [
        (
            say.number(k),
            say.number(row["n"]),
            say.percent(row["predicted"], 1),
            say.percent(row["observed"], 1),
        )
        for k, row in enumerate(manifest["figures"]["reliability"], start=1)
    ]
    headers = [say.text(f"card.calibration.{k}") for k in ("tenth", "n", "predicted", "observed")]
    return [say.text(f"card.calibration.{manifest['calibration']}"), table(headers, rows)]


def by_segment(say: Words, manifest: Manifest) -> list[str]:
    """The same by segment, where there are any."""
    if not manifest["figures"]["segments"]:
        return []
    rows = [
        (
            _segment(say, manifest, row),
            say.number(row["n"]),
            say.percent(row["predicted"], 1),
            say.percent(row["observed"], 1),
            "" if row["roc_auc"] is None else say.number(row["roc_auc"], 3),
        )
        for row in manifest["figures"]["segments"]
    ]
    headers = [say.text("card.segments.segment")]
    headers += [say.text(f"card.calibration.{k}") for k in ("n", "predicted", "observed")]
    return [table([*headers, "ROC-AUC"], rows)]


def _segment(say: Words, manifest: Manifest, row: Manifest) -> str:
    name = label(manifest, row["column"], say.language)
    if row["column"] == "industry":
        return f"{name}: {row['value']}"
    return f"{name}: {say.text('card.segments.third', n=int(row['value']) + 1)}"
