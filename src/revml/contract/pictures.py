"""Pictures of a check as inline SVG: rows over time with gaps, what became of the rows, medians that jumped.

Comes in: a profile or counts, and words. Goes out: SVG text that needs nothing from outside; colours are classes of
the page's own style. Every picture says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import log10

from markupsafe import Markup, escape

from revml.contract.profile import Gap, Jump, Profile
from revml.locales import Words

WIDTH, HEIGHT, BASE, TOP = 720, 104, 84, 14
MOST_DAYS = 130


def volume(profile: Profile, words: Words) -> Markup:
    """Rows a day or a week as bars; gaps stand on a marked ground."""
    if profile.first is None or len(profile.days) < 2:
        return Markup("")
    daily = len(profile.days) <= MOST_DAYS
    bars = [(profile.first + timedelta(days=n), rows) for n, rows in enumerate(profile.days)]
    bars = bars if daily else profile.weeks()
    start, step = bars[0][0], 1 if daily else 7
    span = (bars[-1][0] - start).days + step
    most = max(rows for _, rows in bars) or 1

    def x(day: date) -> float:
        return WIDTH * (day - start).days / span

    wide = WIDTH * step / span
    ground = [
        f'<rect class="gap" x="{x(gap.first) - 1:.1f}" y="{TOP}" height="{BASE - TOP}"'
        f' width="{max(4.0, x(gap.last + timedelta(days=1)) - x(gap.first) + 2):.1f}">'
        f"<title>{escape(gap_words(gap, words))}</title></rect>"
        for gap in profile.gaps
    ]
    drawn = [
        f'<rect class="bar" x="{x(day):.1f}" y="{BASE - (BASE - TOP) * rows / most:.1f}"'
        f' width="{max(0.6, wide - (0.6 if wide > 2 else 0.2)):.2f}" height="{(BASE - TOP) * rows / most:.1f}">'
        f"<title>{escape(words.date(day))}: {escape(words.number(rows))}</title></rect>"
        for day, rows in bars
        if rows
    ]
    unit = words.text("check.picture.daily" if daily else "check.picture.weekly", most=words.number(most))
    label = words.text("check.picture.volume", first=words.date(bars[0][0]), last=words.date(bars[-1][0]))
    return _svg(label, HEIGHT, [*ground, *drawn, *_months(start, span), _text(2, 9, unit, "note")])


def counts(parts: Sequence[tuple[str, int, str]], words: Words) -> Markup:
    """What became of the rows, as parts of one bar.

    Args:
        parts: class, rows, name.
    """
    total = sum(rows for _, rows, _ in parts) or 1
    place, drawn = 0.0, []
    for kind, rows, name in parts:
        # A few rows among millions must stay visible.
        wide = max(3.0, WIDTH * rows / total) if rows else 0.0
        title = escape(f"{name}: {words.number(rows)}")
        drawn.append(
            f'<rect class="{kind}" x="{min(place, WIDTH - wide):.1f}" y="0" width="{wide:.1f}" height="14">'
            f"<title>{title}</title></rect>"
        )
        place += WIDTH * rows / total
    label = ", ".join(f"{name}: {words.number(rows)}" for _, rows, name in parts)
    return _svg(label, 14, drawn, stretched=True)


def jump(found: Jump, words: Words) -> Markup:
    """Monthly medians on a logarithmic scale; a line where the unit seems to change."""
    months = [(month, value) for month, value in found.medians.items() if value > 0]
    if len(months) < 2:
        return Markup("")
    low, high = (log10(pick(value for _, value in months)) for pick in (min, max))
    room = max(high - low, 0.3)
    step = WIDTH / len(months)
    points = [
        (step * (n + 0.5), BASE - (BASE - TOP - 8) * (log10(value) - low) / room, month, value)
        for n, (month, value) in enumerate(months)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)
    dots = [
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.6"><title>{month}: {escape(words.number(value, 2))}'
        "</title></circle>"
        for x, y, month, value in points
    ]
    at = next((x - step / 2 for x, _, month, _ in points if month == found.month), 0.0)
    mark = f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{BASE}"/>'
    near = at > WIDTH * 0.8
    ends = [_text(2, HEIGHT - 4, months[0][0], "note"), _text(WIDTH - 2, HEIGHT - 4, months[-1][0], "note end")]
    named = _text(at + (-5 if near else 5), TOP + 8, found.month, "note bad" + (" end" if near else ""))
    label = words.text("check.picture.median", column=found.column)
    drawn = [f'<polyline class="line" points="{line}"/>', *dots, mark, named, *ends, _text(2, 9, label, "note")]
    return _svg(label, HEIGHT, drawn)


def gap_words(gap: Gap, words: Words) -> str:
    """One gap in words."""
    return words.text(
        "check.gap",
        first=words.date(gap.first),
        last=words.date(gap.last),
        rows=words.number(gap.rows),
        expected=words.number(gap.expected),
    )


def _months(start: date, span: int) -> list[str]:
    """The ground line with marks: months of a short span, years of a long one."""
    marks = [f'<line class="axis" x1="0" x2="{WIDTH}" y1="{BASE}" y2="{BASE}"/>']
    end, long = start + timedelta(days=span), span > 550
    month = date(start.year, start.month, 1)
    while month < end:
        if month >= start and (month.month == 1 or not long or (month.month == 7 and span < 1500)):
            x = WIDTH * (month - start).days / span
            marks.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{BASE}" y2="{BASE + 4}"/>')
            if x < WIDTH - 44:
                marks.append(_text(x + 3, HEIGHT - 5, f"{month:%Y-%m}", "note"))
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return marks


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _svg(label: str, height: int, drawn: Sequence[str], *, stretched: bool = False) -> Markup:
    said = escape(label)
    fit = ' class="counts" preserveAspectRatio="none"' if stretched else ""
    # Every text above went through escape, every number through a format.
    return Markup(f'<svg{fit} viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">{"".join(drawn)}</svg>')  # noqa: S704
