"""A check as one HTML file that people read: self-contained, without a script, for screen, dark room and printer.

Comes in: a `CheckReport`, example rows from quarantine, and the language. Goes out: HTML text. Every value of the data
is escaped and long ones are cut; the file asks for nothing from outside, and its policy forbids it to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from revml.contract import pictures
from revml.contract.report import CheckReport, Suspect, TableReport
from revml.contract.retried import Retried
from revml.locales import Words, words

LONGEST = 60


@dataclass(frozen=True)
class Examples:
    """Some quarantined rows of one reason: the columns that hold anything, and their values as they came."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def render(
    report: CheckReport,
    *,
    company: str,
    language: str,
    examples: Mapping[str, Mapping[str, Examples]] | None = None,
    retried: Sequence[Retried] = (),
    stopped: str = "",
    now: datetime | None = None,
) -> str:
    """The page.

    Args:
        examples: by table and reason.
        retried: what became of rows that were in quarantine before.
        stopped: why nothing was staged, in words; empty when the check passed.
        now: when the check ran.
    """
    told = words(language)
    tables = [_Section(table, told, (examples or {}).get(table.table, {})) for table in report.tables]
    return _template().render(
        t=told.text,
        n=told.number,
        words=told,
        report=report,
        company=company,
        tables=tables,
        retried=[one for one in retried if one.rows],
        stopped=stopped,
        now=now or datetime.now(UTC),
        notes=sum(section.worth for section in tables) + len(report.notes),
        cut=cut,
    )


def cut(value: str) -> str:
    """A value short enough to stand in a cell.

    >>> cut("x" * 80)[-3:]
    'xx…'
    """
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"


class _Section:
    """One table as the template shows it."""

    def __init__(self, report: TableReport, told: Words, examples: Mapping[str, Examples]) -> None:
        self.report = report
        self.examples = examples
        self._told = told

    @property
    def name(self) -> str:
        """The table's name in the reader's language."""
        return self._told.text(f"check.table.{self.report.table}")

    @property
    def worth(self) -> int:
        """How many things are worth a look."""
        return len(self.report.notes) + len(self.suspects) + len(self.gaps)

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """Columns that look like today's value and would be used."""
        return tuple(one for one in self.report.suspects if one.used)

    @property
    def parts(self) -> list[tuple[str, int, str]]:
        """What became of the rows."""
        one = self.report
        rows = {
            "accepted": one.accepted,
            "duplicates": one.duplicates,
            "quarantined": one.quarantined_rows,
            "filtered": one.filtered,
        }
        return [(kind, n, self._told.text(f"check.{kind}")) for kind, n in rows.items() if n or kind != "filtered"]

    @property
    def counts(self) -> Markup:
        """The bar of counts."""
        return pictures.counts(self.parts, self._told)

    @property
    def volume(self) -> Markup:
        """The strip of rows over time."""
        return pictures.volume(self.report.profile, self._told) if self.report.profile else Markup("")

    @property
    def gaps(self) -> list[str]:
        """The gaps in words."""
        gaps = self.report.profile.gaps if self.report.profile else ()
        return [pictures.gap_words(gap, self._told) for gap in gaps]

    @property
    def jumps(self) -> list[Markup]:
        """Pictures of columns whose unit seems to change."""
        jumps = self.report.profile.jumps if self.report.profile else ()
        first = {jump.column: jump for jump in reversed(jumps)}
        return [pictures.jump(jump, self._told) for jump in first.values()]


@cache
def _template() -> Template:
    loader = PackageLoader("revml.contract", "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("check.html")
