"""Pictures of a back-test of money as inline SVG: totals by origin and biases by horizon, of every method.

Comes in: a `MoneyBacktest`, a relation and words. Goes out: SVG text that needs nothing from outside, drawn with the
classes of the page's own style; `pictures.alone` makes a file of one.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from revml.backtesting.money import MoneyBacktest
from revml.backtesting.money_methods import Method
from revml.backtesting.money_sentences import KEY, money, row_of, value_of
from revml.backtesting.pictures import BASE, HEIGHT, LEFT, TOP, WIDTH, marked, rung, svg
from revml.locales import Words

# The classes of the style that stand for each method.
CLASSES = {
    Method.REVML: "model",
    Method.RUN_RATE: "money",
    Method.POOLED_CHURN: "renewal",
    Method.NRR: "rule",
    Method.SCORE_HAZARD: "expected",
}


def totals(told: MoneyBacktest, relation: str, words: Words) -> Markup:
    """Revenue of each origin over the main horizon: what came as the outline, each method as a bar."""
    found = {
        f"{one.as_of:%Y-%m-%d}": told.at(relation, told.months, cut="origin", of=f"{one.as_of:%Y-%m-%d}")
        for one in told.origins
    }
    found = {at: rows for at, rows in found.items() if rows}
    most = max([1.0, *(v for rows in found.values() for r in rows for v in (r.actual, r.forecast) if v is not None)])
    step = (WIDTH - LEFT) / max(len(found), 1)
    drawn = [
        rung(BASE - (BASE - TOP) * share, words.money(most * share, told.currency, compact=True))
        for share in (0.0, 0.5, 1.0)
    ]
    for k, (at, rows) in enumerate(found.items()):
        middle, wide = LEFT + step * (k + 0.5), min(30.0, step * 0.84 / len(rows))
        drawn.append(marked(middle, HEIGHT - 8, at[:7], "mid"))
        for j, row in enumerate(rows):
            height = (BASE - TOP) * max(row.forecast or 0.0, 0.0) / most
            name = words.text(f"{KEY}.method.{row.method}")
            said = f"{name}: {money(told, row.forecast, words)} ({value_of('bias', row.bias, told, words)})"
            drawn.append(
                f'<rect class="{CLASSES[Method(row.method)]}" x="{middle + wide * (j - len(rows) / 2):.1f}"'
                f' y="{BASE - height:.1f}" width="{wide - 1.5:.1f}" height="{height:.1f}">'
                f"<title>{escape(said)}</title></rect>"
            )
        came = (BASE - TOP) * max(rows[0].actual or 0.0, 0.0) / most
        said = f"{words.text(f'{KEY}.actual')}: {money(told, rows[0].actual, words)}"
        drawn.append(
            f'<rect class="perfect" x="{middle - wide * len(rows) / 2 - 2:.1f}" y="{BASE - came:.1f}"'
            f' width="{wide * len(rows) + 2:.1f}" height="{came:.1f}"><title>{escape(said)}</title></rect>'
        )
    months = words.count(f"{KEY}.months", told.months)
    return svg(words.text(f"{KEY}.picture.totals", months=months), HEIGHT, drawn)


def biases(told: MoneyBacktest, relation: str, words: Words) -> Markup:
    """Bias of revenue by horizon, every method; the dashed line is no bias."""
    horizons = [h for h in told.horizons if told.at(relation, h)]
    values = {
        (h, method): row.bias
        for h in horizons
        for method in Method
        if (row := row_of(told, relation, h, method)) is not None and row.bias is not None
    }
    most = max([0.05, *(abs(v) for v in values.values() if v is not None)])
    centre, step = (BASE + TOP) / 2, (WIDTH - LEFT) / max(len(horizons), 1)

    def y(value: float) -> float:
        return centre - (BASE - TOP) / 2 * value / most

    drawn = [rung(y(mark), value_of("bias", mark, told, words)) for mark in (-most, most)]
    drawn.append(f'<line class="chance" x1="{LEFT}" x2="{WIDTH}" y1="{centre:.1f}" y2="{centre:.1f}"/>')
    for k, horizon in enumerate(horizons):
        middle = LEFT + step * (k + 0.5)
        drawn.append(marked(middle, HEIGHT - 8, words.count(f"{KEY}.months", horizon), "mid"))
        there = [method for method in Method if (horizon, method) in values]
        wide = min(26.0, step * 0.7 / max(len(there), 1))
        for j, method in enumerate(there):
            value = values[horizon, method] or 0.0
            top, height = min(y(value), centre), max(abs(y(value) - centre), 0.8)
            said = f"{words.text(f'{KEY}.method.{method}')}: {value_of('bias', value, told, words)}"
            drawn.append(
                f'<rect class="{CLASSES[method]}" x="{middle + wide * (j - len(there) / 2):.1f}" y="{top:.1f}"'
                f' width="{wide - 1.5:.1f}" height="{height:.1f}"><title>{escape(said)}</title></rect>'
            )
    return svg(words.text(f"{KEY}.picture.bias"), HEIGHT, drawn)
