"""`docs/lifetime-value-on-paper.md`: its figures are what comes out, and follow from one another by hand."""

from __future__ import annotations

import pytest

from tests.clv.on_paper import DOCUMENT, HORIZONS, OnPaper, Rows, company_of, printed, table

TEXT = DOCUMENT.read_text(encoding="utf-8")
CENT = 0.0101
CONTRACTS = {"acme": ("| month | S(k) of acme |", 1_000.0), "acme-sk": ("| month | S(k) of acme-sk |", 400.0)}
BOUGHT = ("bolt", "cogs")
MONTHS = {
    ("acme", "contract"): "| month | S(k) of acme |",
    ("acme-sk", "contract"): "| month | S(k) of acme-sk |",
    ("bolt", "orders"): "| month | orders of bolt |",
    ("cogs", "orders"): "| month | orders of cogs |",
    ("cogs", "durable"): "| month | replacements |",
}


def numbers(header: str, first: int = 0) -> list[list[float]]:
    """The cells of a table as numbers, from a column on; empty ones are 0."""
    return [[number(cell) for cell in row[first:]] for row in table(TEXT, header)]


def number(cell: str) -> float:
    """A cell with its commas, percent sign and minus."""
    plain = cell.replace(",", "").replace("−", "-")
    return float(plain.rstrip("%")) / 100 if plain.endswith("%") else float(plain or 0)


def cents(amounts: list[float]) -> int:
    """The sum in whole cents."""
    return sum(round(100 * amount) for amount in amounts)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> OnPaper:
    """The company, forecast from the tables of the document."""
    return company_of(TEXT, tmp_path_factory.mktemp("on_paper"))


@pytest.fixture(scope="module")
def figures(company: OnPaper) -> dict[str, Rows]:
    """What the tables of the document should say."""
    return printed(company)


def test_every_figure_is_what_comes_out(figures: dict[str, Rows]) -> None:
    """Each cell of each table, to its last digit."""
    for header, rows in figures.items():
        assert table(TEXT, header) == rows, header


def test_every_table_is_given_or_recomputed(figures: dict[str, Rows]) -> None:
    """No table of the document is left to itself."""
    heads = [b for a, b in zip(["", *TEXT.splitlines()], TEXT.splitlines(), strict=False) if b[:1] == "|" != a[:1]]
    given = ("account | parent", "product |", "subscription of", "order of", "machine |", "account | leaves")
    known = (*figures, *(f"| {one}" for one in given))
    assert [head for head in heads if not head.startswith(known)] == []
    assert len(heads) == len(known)


@pytest.mark.parametrize("account", CONTRACTS)
def test_a_contract_month_is_a_product(account: str) -> None:
    """MRR · S · g is the expected MRR, and with margin and discount the month's margin."""
    header, mrr = CONTRACTS[account]
    for month, survival, grown, factor, expected, margin in numbers(header):
        assert factor == pytest.approx(1.1 ** -((month - 0.5) / 12), abs=1e-6)
        assert expected == pytest.approx(mrr * survival * grown, abs=CENT)
        assert margin == pytest.approx(expected * 0.75 * factor, abs=CENT)


def test_survival_is_tied_to_both_published_horizons() -> None:
    """5 % have left after 90 days and 20 % after 365, shortly before the ends of months 3 and 12."""
    survival = [row[1] for row in numbers(CONTRACTS["acme"][0])]
    assert 0.949 < survival[2] < 0.95
    assert 0.7995 < survival[11] < 0.8


def test_an_order_month_is_a_product() -> None:
    """Orders times their worth is the revenue; 40 % of it, discounted, the margin."""
    for row in table(TEXT, "| buyer |"):
        n, own, k, everybody, worth = (number(cell) for cell in row[1:])
        assert worth == pytest.approx((n * own + k * everybody) / (n + k), abs=0.0005)
        for month, orders, revenue, margin in numbers(f"| month | orders of {row[0]} |"):
            assert revenue == pytest.approx(orders * worth, abs=CENT)
            assert margin == pytest.approx(revenue * 0.40 * 1.1 ** -((month - 0.5) / 12), abs=CENT)


def test_a_machine_month_is_a_product() -> None:
    """Machines at 18,000, a quarter of it margin, discounted."""
    for month, replaced, further, revenue, margin in numbers("| month | replacements |"):
        # six digits of a machine are two cents
        assert revenue == pytest.approx(18_000 * (replaced + further), abs=0.03)
        assert margin == pytest.approx(revenue * 0.25 * 1.1 ** -((month - 0.5) / 12), abs=CENT)


def test_months_and_components_add_up_to_relations() -> None:
    """To the cent: the margins of the months to the horizon, and the components, are the CLV."""
    rows = table(TEXT, "| account | relation | months |")
    assert {(row[0], row[1]) for row in rows} == set(MONTHS)
    for account, relation, horizon, *told in rows:
        base, expansion, contraction, referral, clv = (number(cell) for cell in told)
        months = [row[-1] for row in numbers(MONTHS[account, relation])][: int(horizon)]
        assert cents(months) == cents([clv])
        assert cents([base, expansion, -contraction, referral]) == cents([clv])


def test_relations_add_up_to_accounts_and_these_to_the_company(company: OnPaper) -> None:
    """To the cent, at each horizon; a parent is its own value and its child's."""
    rows = {row[0]: [number(cell) for cell in row[1:]] for row in table(TEXT, "| account | CLV of 6 months |")}
    whole = rows.pop("**together**")
    relations = table(TEXT, "| account | relation | months |")
    for i, horizon in enumerate(HORIZONS):
        for account, row in rows.items():
            own = [number(r[-1]) for r in relations if r[0] == account and r[2] == str(horizon)]
            assert cents([row[i]]) == cents(own)
        assert cents([row[i] for row in rows.values()]) == cents([whole[i]])
    assert cents([rows["acme"][2]]) == cents([rows["acme"][1], rows["acme-sk"][1]])
    assert whole[1] == company.forecast.main["clv"].sum().round(2)
    assert rows["bolt"][6] == rows["cogs"][1]


def test_cost_figures_follow_from_the_months() -> None:
    """LTV/CAC is CLV over cost; payback is cost over the mean month's margin, not discounted."""
    rates = {"contract": 0.75, "orders": 0.40, "durable": 0.25}
    for account, _, clv, _, cost, ratio, payback, _ in table(TEXT, "| account | CLV of 6 months |"):
        if cost:
            margin = [row[-2] * rates[kind] for (a, kind), h in MONTHS.items() if a == account for row in numbers(h)]
            assert number(ratio) == pytest.approx(number(clv) / number(cost), abs=0.0051)
            assert number(payback) == pytest.approx(number(cost) / (sum(margin) / 12), abs=0.051)


def test_drivers_add_up_and_share_in_proportion() -> None:
    """Peer and drivers are the CLV to the cent; usage and support are to each other as their contributions."""
    rows = {row[0]: [number(cell) for cell in row[1:]] for row in table(TEXT, "| driver |")}
    scores = table(TEXT, "| account | leaves within 90 days |")
    for i, score in enumerate(scores):
        peer, usage, support, clv = (rows[name][i] for name in ("peer", "usage", "support", "**CLV**"))
        assert cents([peer, usage, support]) == cents([clv])
        assert usage * number(score[6]) == pytest.approx(support * number(score[5]), abs=0.01)


def test_accounts_add_up_to_the_company_s_months() -> None:
    """MRR, NRR, GRR and revenue of each month are sums over the accounts' months."""
    own = {key: numbers(header) for key, header in MONTHS.items()}
    for k, row in enumerate(numbers("| month | MRR of acme |")):
        _, acme, child, mrr, nrr, grr, orders, durable = row
        assert [acme, child] == [own[name, "contract"][k][4] for name in CONTRACTS]
        assert cents([acme, child]) == cents([mrr])
        assert nrr == pytest.approx(mrr / 1_400, abs=5.1e-5)
        assert grr == pytest.approx((1_000 * own["acme", "contract"][k][1] + child) / 1_400, abs=5.1e-5)
        assert cents([orders]) == cents([own[name, "orders"][k][2] for name in BOUGHT])
        assert durable == own["cogs", "durable"][k][3]


def test_key_figures_follow() -> None:
    """Movements add up to today's MRR, which the forecast starts from; CLV and LTV/CAC from the table of accounts."""
    moved = {row[0]: number(row[2]) for row in table(TEXT, "| movement |")}
    told = {row[0].strip("`"): number(row[2]) for row in table(TEXT, "| key | by hand |")}
    assert sum(moved.values()) - moved["end"] == moved["end"] == told["mrr"] == 1_400
    value = number(table(TEXT, "| account | CLV of 6 months |")[-1][2])
    assert told["clv"] == pytest.approx(value / 4, abs=0.0051)
    assert told["ltv_cac"] == pytest.approx(told["clv"] / told["cac"], abs=0.0051)
