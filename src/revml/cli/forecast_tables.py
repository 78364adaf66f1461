"""What `revml forecast` and `revml account` print of lifetime values: tables whose parts add up to their totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from revml.cli.options import account_cell, out, print_notes, table
from revml.errors import ConfigError

if TYPE_CHECKING:
    from revml.locales import Words
    from revml.store.runs import ScoreRun
    from revml.store.views import AccountDetail, Clv, ComingOrders, Value

MAX_MONTHS = 120
SHOWN_SEGMENTS = 12
SIGNED = {"base": "base", "expansion": "+ expansion", "contraction": "- contraction", "referral": "+ referral"}
SUMS = ("accounts", "CLV", "expected revenue", "extrapolated")
DASH = "–"
NOTHING = "no contract and no orders now: nothing is expected of it; should it come back, that counts as new business"


def horizons_of(text: str) -> tuple[int, ...]:
    """Horizons in months from `12,24,36`: ascending, each once; the longest is the main one.

    Raises:
        ConfigError: one of them is no whole number of months from 1 to 120.

    >>> horizons_of("36, 12,24")
    (12, 24, 36)
    """
    out: set[int] = set()
    for part in text.split(","):
        word = part.strip()
        if not (word.isascii() and word.isdecimal()) or not 1 <= int(word[:9]) <= MAX_MONTHS:
            far = word.isascii() and word.isdecimal() and int(word[:9]) > MAX_MONTHS
            raise ConfigError(
                "this is no horizon",
                where="--horizon-months",
                wanted=f"whole months from 1 to {MAX_MONTHS}, one or several: 12,24,36",
                got=repr(word),
                do=f"ask for {MAX_MONTHS} months at most: what a customer brings beyond ten years nobody has observed"
                if far
                else "write numbers of months with commas between them",
            )
        out.add(int(word))
    return tuple(sorted(out))


def print_forecast(run: ScoreRun, told: dict[str, Any], w: Words) -> None:
    """The totals by horizon, relation and segment, the accounts worth most, and what needs care."""

    def money(value: float | None) -> str:
        return DASH if value is None else w.money(value, run.currency)

    def sums(rows: Sequence[dict[str, Any]], by: str) -> list[tuple[str, ...]]:
        return [
            (
                escape(str(row[by])),
                f"{row['accounts']:,}",
                money(row["clv"]),
                money(row["expected_revenue"]),
                w.percent(row["extrapolated_share"]),
            )
            for row in rows
        ]

    horizons = [
        (
            str(row["horizon_months"]),
            money(row["clv"]),
            _range(row["clv_p10"], row["clv_p90"], run.currency, w),
            money(row["expected_revenue"]),
            w.percent(row["extrapolated_share"]),
        )
        for row in told["horizons"]
    ]
    headers = ("months", "CLV", "80 % range", "expected revenue", "extrapolated")
    out.print(table("By horizon", headers, horizons, right=headers))
    _print_relations(told["relations"], money, sums, w)
    if told["segments"]:
        segments = sums(told["segments"][:SHOWN_SEGMENTS], "segment")
        out.print(table(f"By {told['segment']}", (told["segment"], *SUMS), segments, right=SUMS))
        if left := told["segments"][SHOWN_SEGMENTS:]:
            out.print(f"  and {len(left)} more worth {money(sum(row['clv'] for row in left))}; --json prints them all")
    named = ("account", "CLV", "80 % range", "LTV/CAC", "payback", "extrapolated")
    top = [
        (
            account_cell(row["account_id"], row["name"]),
            money(row["clv"]),
            _range(row["clv_p10"], row["clv_p90"], run.currency, w),
            DASH if row["ltv_cac"] is None else w.number(row["ltv_cac"], 1),
            _months(row["payback_months"], w),
            w.percent(row["extrapolated_share"]),
        )
        for row in told["top"]
    ]
    out.print(table("Worth most", named, top, right=named[1:]))
    if told["company"]:
        _print_company(told["company"], run.currency, w)
    counted = (f"{count:,} accounts: {w.text(f'clv.caution.{name}')}" for name, count in told["warnings"].items())
    print_notes([*counted, *told["notes"]])


def _print_relations(rows: Sequence[dict[str, Any]], money: Any, sums: Any, w: Words) -> None:
    """Relations across, components down: each column and each row adds up."""
    if not all(part in row for row in rows for part in SIGNED) or not rows:
        out.print(table("By relation", ("relation", *SUMS), sums(rows, "relation"), right=SUMS))
        return
    many = len(rows) > 1
    lines = [
        (called, *(money(row[name]) for row in rows), *([money(sum(row[name] for row in rows))] if many else []))
        for name, called in {**SIGNED, "clv": "= CLV", "expected_revenue": "expected revenue"}.items()
    ]
    blank = ("",) if many else ()
    told = [
        *lines,
        ("extrapolated", *(w.percent(row["extrapolated_share"]) for row in rows), *blank),
        ("accounts", *(f"{row['accounts']:,}" for row in rows), *blank),
    ]
    headers = ("By relation", *(row["relation"] for row in rows), *(("together",) if many else ()))
    out.print(table("", headers, told, right=headers[1:]))


def _print_company(summary: dict[str, Any], currency: str, w: Words) -> None:
    """The company's forecast in a line a figure."""
    shown = {"mrr": "MRR", "new_mrr": "of it new business", "nrr": "net revenue retention", "grr": "gross"}
    told = []
    for name, called in shown.items():
        if (line := summary.get(name)) is not None:
            say = w.percent if name in ("nrr", "grr") else lambda value: w.money(value, currency)
            told.append(f"{called} {say(line['mean'])} ({say(line['p10'])} to {say(line['p90'])})")
    if told:
        now = "" if summary["mrr_now"] is None else f"MRR now {w.money(summary['mrr_now'], currency)}; "
        print_notes([f"{now}in {summary['months']} months: {', '.join(told)}"], style="")


def print_worth(detail: AccountDetail, language: str) -> None:
    """What an account is worth: by horizon, by relation with components, what drives it, and what needs care."""
    from revml.clv.accounts.driver_words import PEER, driver_words
    from revml.clv.cautions import caution_words
    from revml.locales import words

    w, currency = words(language), detail.run.currency

    def line(text: str) -> None:
        out.print(text, markup=False, soft_wrap=True)

    if detail.values:
        line("")
    for value in detail.values:
        line(f"lifetime value in {value.horizon_months} months: {_value(value, currency, w)}")
    if detail.values and not detail.clv:
        line(f"  {NOTHING}")
    for one in detail.clv:
        alive = f", still here at the end {w.percent(one.p_alive)}" if one.p_alive is not None else ""
        far = f", {w.percent(one.extrapolated_share)} beyond the observed" if one.extrapolated_share else ""
        line(f"  {one.relation}: {w.money(one.clv, currency)}{_parts(one, currency, w)}{alive}{far}")
        if one.warning:
            line(f"    {caution_words(one.warning, language)}")
        if one.relation == "orders" and detail.coming is not None:
            line(f"    {_coming(detail.coming, w)}")
    for driver in detail.drivers:
        if driver.concept == PEER:
            line(f"  {driver_words(PEER, language)}: {w.money(driver.money, currency)}")
        else:
            line(f"    {_signed(driver.money, currency, w)} {driver_words(driver.concept, language)}")


def _coming(coming: ComingOrders, w: Words) -> str:
    """The next order in a line: a day by which it is as likely as not, and how likely one is by then."""
    if coming.next_order is None:
        told = ["next order: none is as likely as not within ten years"]
    else:
        told = [f"next order as likely as not by {coming.next_order:%Y-%m-%d}"]
    for months, p in ((3, coming.p_order_3m), (12, coming.p_order_12m)):
        if p is not None:
            told.append(f"within {months} months {w.percent(p)}")
    return ", ".join(told)


def _value(value: Value, currency: str, w: Words) -> str:
    told = [w.money(value.clv, currency)]
    if value.clv_p10 is not None and value.clv_p90 is not None:
        told[0] += f" ({_range(value.clv_p10, value.clv_p90, currency, w)} in 80 % of cases)"
    if value.with_children is not None and abs(value.with_children - value.clv) >= 0.005:
        told.append(f"with the accounts below it {w.money(value.with_children, currency)}")
    if value.ltv_cac is not None and value.clv:
        told.append(f"{w.number(value.ltv_cac, 1)} times its acquisition cost")
    if value.payback_months is not None:
        told.append(f"paid back after {_months(value.payback_months, w)}")
    return ", ".join(told)


def _parts(one: Clv, currency: str, w: Words) -> str:
    if one.base is None or one.expansion is None or one.contraction is None or one.referral is None:
        return ""
    told = [f"base {w.money(one.base, currency)}"]
    for name, amount in (("expansion", one.expansion), ("contraction", -one.contraction), ("referral", one.referral)):
        if amount:
            told.append(f"{name} {_signed(amount, currency, w)}")
    return f" = {', '.join(told)}"


def _signed(amount: float, currency: str, w: Words) -> str:
    return f"{'+' if amount >= 0 else '−'}{w.money(abs(amount), currency)}"


def _range(low: float | None, high: float | None, currency: str, w: Words) -> str:
    if low is None or high is None:
        return DASH
    return f"{w.money(low, currency, compact=True)} to {w.money(high, currency, compact=True)}"


def _months(value: float | None, w: Words) -> str:
    if value is None:
        return DASH
    return "under a month" if value < 1 else f"{w.number(value, 1)} months"
