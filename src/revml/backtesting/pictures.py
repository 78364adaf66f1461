"""Pictures of a back-test as inline SVG: ranking over origins, money reached by lists, probabilities against events.

Comes in: a `Backtest` and words. Goes out: SVG text that needs nothing from outside; colours are classes of the page's
own style, and `alone` gives a picture the style it needs to stand by itself. Every picture says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from revml.backtesting.lists import ListName
from revml.backtesting.replay import Backtest
from revml.backtesting.sentences import of_pairs, reached
from revml.locales import Words

WIDTH, HEIGHT, BASE, TOP, LEFT = 720, 190, 164, 22, 64
SHOWN: tuple[ListName, ...] = ("model", "expected", "rule", "renewal", "money", "perfect")
STYLE = """
svg { background: #fff; } svg .axis { stroke: #e0dcd2; } svg .chance { stroke: #56636b; stroke-dasharray: 4 3; }
svg text { fill: #56636b; font: 10px system-ui, sans-serif; }
svg text.end { text-anchor: end; } svg text.mid { text-anchor: middle; }
svg .line { fill: none; stroke: #1d5b59; stroke-width: 1.6; } svg .dot { fill: #1d5b59; } svg .span { stroke: #1d5b59; }
svg .model { fill: #1d5b59; } svg .expected { fill: #3f8f7f; } svg .rule { fill: #c98a2b; }
svg .renewal { fill: #7a6fa8; } svg .money { fill: #b9c4c1; } svg .perfect { fill: none; stroke: #56636b; }
"""


def quality(told: Backtest, words: Words) -> Markup:
    """ROC-AUC of each origin with its interval; the dashed line is chance."""
    figures = [one["roc_auc"] for one in told.quality.each]
    known = [v for f in figures for v in (f.value, f.low) if v is not None]
    low = max(0.0, min([0.45, *known]) - 0.02)

    def y(value: float) -> float:
        return BASE - (BASE - TOP) * (value - low) / (1.0 - low)

    step = (WIDTH - LEFT) / len(figures)
    drawn = [rung(y(mark), words.number(mark, 1)) for mark in (0.6, 0.7, 0.8, 0.9, 1.0)]
    drawn.append(f'<line class="chance" x1="{LEFT}" x2="{WIDTH}" y1="{y(0.5):.1f}" y2="{y(0.5):.1f}"/>')
    drawn.append(marked(LEFT - 8, y(0.5) + 3, words.number(0.5, 1), "end"))
    points = []
    for k, (one, figure) in enumerate(zip(told.origins, figures, strict=True)):
        x = LEFT + step * (k + 0.5)
        drawn.append(marked(x, HEIGHT - 8, f"{one.as_of:%Y-%m}", "mid"))
        if figure.value is None:
            continue
        points.append((x, y(figure.value)))
        if figure.low is not None and figure.high is not None:
            drawn.append(
                f'<line class="span" x1="{x:.1f}" x2="{x:.1f}" y1="{y(figure.low):.1f}" y2="{y(figure.high):.1f}"/>'
            )
        title = f"{words.date(one.as_of)}: {words.number(figure.value, 3)}"
        drawn.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y(figure.value):.1f}" r="4"><title>{escape(title)}</title></circle>'
        )
    drawn.append(f'<polyline class="line" points="{" ".join(f"{x:.1f},{v:.1f}" for x, v in points)}"/>')
    return svg(words.text("backtest.picture.quality"), HEIGHT, drawn)


def reach(told: Backtest, words: Words) -> Markup:
    """The money that each list reached at each origin, as bars side by side; a perfect list is the outline."""
    names = [name for name in SHOWN if all(name in one.lists for one in told.origins)]
    most = max([1.0, *(one.lists[name].money for one in told.origins for name in names)])
    step = (WIDTH - LEFT) / len(told.origins)
    wide = min(26.0, step * 0.84 / len(names))
    drawn = [
        rung(BASE - (BASE - TOP) * share, words.money(most * share, told.currency, compact=True))
        for share in (0.0, 0.5, 1.0)
    ]
    for k, one in enumerate(told.origins):
        middle = LEFT + step * (k + 0.5)
        drawn.append(marked(middle, HEIGHT - 8, f"{one.as_of:%Y-%m}", "mid"))
        for j, name in enumerate(names):
            height = (BASE - TOP) * one.lists[name].money / most
            said = reached(told, name, one.lists[name], words)
            drawn.append(
                f'<rect class="{name}" x="{middle + wide * (j - len(names) / 2):.1f}" y="{BASE - height:.1f}"'
                f' width="{wide - 1.5:.1f}" height="{height:.1f}"><title>{escape(said)}</title></rect>'
            )
    return svg(words.text(of_pairs(told, "backtest.picture.money")), HEIGHT, drawn)


def reliability(told: Backtest, words: Words) -> Markup:
    """Observed against predicted share, by tenth of the rows of all origins."""
    rows = told.quality.reliability
    side, left, base = 250.0, 60.0, 266.0
    top = 1.05 * max([0.01, *(max(r["predicted"], r["observed"]) for r in rows)])
    places = [(left + side * r["predicted"] / top, base - side * r["observed"] / top, r) for r in rows]
    drawn = [
        f'<line class="axis" x1="{left}" x2="{left + side}" y1="{base}" y2="{base}"/>',
        f'<line class="axis" x1="{left}" x2="{left}" y1="{base - side}" y2="{base}"/>',
        f'<line class="chance" x1="{left}" x2="{left + side}" y1="{base}" y2="{base - side}"/>',
        f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)}"/>',
    ]
    for share in (0.5, 1.0):
        drawn.append(marked(left - 6, base - side * share / 1.05 + 3, words.percent(top * share / 1.05, 1), "end"))
        drawn.append(marked(left + side * share / 1.05, base + 14, words.percent(top * share / 1.05, 1), "mid"))
    for x, y, row in places:
        title = (
            f"{words.text('backtest.predicted')} {words.percent(row['predicted'], 1)}, "
            f"{words.text('backtest.observed')} {words.percent(row['observed'], 1)}, n = {words.number(row['n'])}"
        )
        drawn.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(title)}</title></circle>')
    drawn.append(marked(left + side / 2, base + 30, words.text("backtest.predicted"), "mid"))
    drawn.append(marked(left + 6, base - side + 4, words.text("backtest.observed"), ""))
    return svg(words.text("backtest.picture.reliability"), 300, drawn, width=340)


def alone(picture: Markup) -> str:
    """A picture as a file of its own."""
    head, _, body = str(picture).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>{body}'


def rung(y: float, text: str) -> str:
    """A line across with its mark at the left."""
    return f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>' + marked(
        LEFT - 8, y + 3, text, "end"
    )


def marked(x: float, y: float, text: str, kind: str) -> str:
    """A text at a place."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def svg(label: str, height: int, drawn: Sequence[str], *, width: int = WIDTH) -> Markup:
    """A picture and what it shows in words."""
    # Every text above went through escape, every number through a format.
    return Markup(  # noqa: S704
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{"".join(drawn)}</svg>'
    )
