"""What the sections of a card share: tables, lists, bars, and how a feature and a day are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from revml.features.catalog import catalog, feature_words
from revml.locales import Words
from revml.snapshots import PAIR_QUESTIONS

Manifest = Mapping[str, Any]


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right.

    >>> print(table(["a", "b"], [("x|y", "1")]))
    | a | b |
    | --- | ---: |
    | x\\|y | 1 |
    """
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def bar(share: float, mark: float, width: int = 24) -> str:
    """A bar of a share of the width with a mark on it, in characters of equal width.

    >>> bar(0.5, 0.75, width=4)
    '`██◆·`'
    """
    filled, at = round(share * width), min(max(round(mark * width) - 1, 0), width - 1)
    return "`" + "".join("◆" if k == at else "█" if k < filled else "·" for k in range(width)) + "`"


def label(manifest: Manifest, name: str, language: str) -> str:
    """A feature of this bundle in words; a column of a ready table keeps its name, whatever revml calls so."""
    return f"`{name}`" if manifest.get("ready") else feature_label(name, language)


def feature_label(name: str, language: str) -> str:
    """A feature in words; a company's own column is called by its name."""
    declared = catalog().get(name)
    return feature_words(declared, language) if declared else f"`{name}`"


def dated(manifest: Manifest) -> bool:
    """Whether the test lies later than what was learned from."""
    return bool(manifest["data"].get("dated", True))


def day(say: Words, at: str) -> str:
    """A day, told as the language does."""
    return say.date(datetime.fromisoformat(at))


def listed(say: Words, manifest: Manifest) -> str:
    """The length of the team's list: accounts, or offers of a family to an account."""
    key = "card.pairs" if manifest["question"] in PAIR_QUESTIONS else "card.accounts"
    return say.count(key, manifest["figures"]["capacity"])
