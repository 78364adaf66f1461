"""Columns that look like today's value are told with the figures that say so; honest ones are left in peace."""

from __future__ import annotations

from pathlib import Path

from revml.contract.report import Suspect
from tests.sources.workspaces import check

N = 200
# Every third account has ended; nothing else in a row may tell which.
ENDED = [n % 3 == 0 for n in range(N)]


def table(header: str, rows: list[str]) -> str:
    """A CSV table."""
    return header + "\n" + "\n".join(rows) + "\n"


def company(folder: Path, header: str, values: list[str], *, static: str = "") -> dict[str, Suspect]:
    """Suspects among account columns, of a company in which `ENDED` accounts have ended."""
    accounts = [f"a{n},2023-{1 + n % 12:02d}-{1 + n % 28:02d},{values[n]}" for n in range(N)]
    contracts = [f"s{n},2024-01-01,{'2024-06-01' if ENDED[n] else ''},a{n},p,1,{100 + n}" for n in range(N)]
    report = check(
        folder,
        f"data: data\ntables: {{accounts: {{path: data/accounts.csv, static: [{static}]}}}}\n",
        accounts=table(f"account_id,created_at,{header}", accounts),
        subscriptions=table("subscription_id,started_at,ended_at,account_id,product,quantity,mrr", contracts),
        orders="",
        tickets=table("ticket_id,opened_at,account_id", ["1,2024-09-01,a1"]),
    )
    return {suspect.column: suspect for suspect in report.table("accounts").suspects}


def test_a_status_that_knows_who_has_ended_is_told(tmp_path: Path) -> None:
    """Declared static, it would leak; the AUC says how much it knows."""
    found = company(tmp_path, "status", ["gone" if e else "live" for e in ENDED], static="status")
    assert "AUC of 1.00" in found["status"].evidence
    assert found["status"].used


def test_a_left_out_column_is_told_as_harmless(tmp_path: Path) -> None:
    """The same column without `static` is not used by anything."""
    assert not company(tmp_path, "status", ["gone" if e else "live" for e in ENDED])["status"].used


def test_a_column_filled_only_for_those_who_ended_is_told(tmp_path: Path) -> None:
    """Each value is another, yet that there is one tells all."""
    found = company(tmp_path, "farewell", [f"letter {n}" if ENDED[n] else "" for n in range(N)], static="farewell")
    assert "filled for 100% of the accounts that have ended and 0%" in found["farewell"].evidence


def test_times_after_the_creation_of_the_account_are_told(tmp_path: Path) -> None:
    """A column of last logins was written later, whatever its name."""
    found = company(tmp_path, "seen", [f"2024-0{1 + n % 9}-01" for n in range(N)], static="seen")
    assert "100% of its times lie after the account was created" in found["seen"].evidence


def test_honest_columns_are_left_in_peace(tmp_path: Path) -> None:
    """Numbers, categories, many rare values and a contract attribute that tell nothing of the end."""
    values = [f"{n * 7 % 50},{'xyz'[n % 7 % 3]},v{n},{'AB'[n // 2 % 2]}" for n in range(N)]
    assert company(tmp_path, "size,kind,code,owner", values, static="size, kind, code") == {}


def test_one_instant_for_many_accounts_looks_like_an_import(tmp_path: Path) -> None:
    """Half of the accounts created at one instant."""
    accounts = [f"a{n},{'2023-05-05' if n % 2 else f'2022-01-{1 + n % 28:02d}'}" for n in range(60)]
    report = check(
        tmp_path,
        accounts=table("account_id,created_at", accounts),
        orders=table("order_id,line,ordered_at,account_id,product,quantity,amount", ["1,1,2024-01-01,a1,p,1,1"]),
    )
    assert "50% of the accounts bear the same instant" in report.table("accounts").suspects[0].evidence


def test_what_is_known_only_at_the_end_must_not_be_there_before(tmp_path: Path) -> None:
    """A satisfaction of tickets that have not closed is not told by their closing."""
    report = check(
        tmp_path,
        tickets="ticket_id,opened_at,closed_at,account_id,satisfaction\n1,2024-02-01,,a,5\n2,2024-02-01,,a,\n"
        "3,2024-02-01,2024-02-02,a,4\n",
    )
    assert [(s.column, "1 rows" in s.evidence) for s in report.table("tickets").suspects] == [("satisfaction", True)]


def subscriptions(folder: Path, renews_year: int) -> tuple[Suspect, ...]:
    """Suspects among yearly contracts of 2021, and of 2024 for comparison."""
    rows = [f"s{n},2021-02-01,a,p,1,10,{renews_year}-02-01" for n in range(30)]
    rows += [f"t{n},2024-02-01,a,p,1,10,2025-02-01" for n in range(30)]
    header = "subscription_id,started_at,account_id,product,quantity,mrr,renews_at"
    accounts = "account_id,created_at\na,2020-01-01\nb,2020-01-01\n"
    return check(folder, accounts=accounts, subscriptions=table(header, rows)).table("subscriptions").suspects


def test_a_renewal_date_that_moves_on_every_year_is_told(tmp_path: Path) -> None:
    """Periods of 2021 that renew in 2025 bear today's next renewal; those that renew in 2022 bear their own."""
    (told,) = subscriptions(tmp_path, 2025)
    assert told.column == "renews_at"
    assert "30 of 30 periods" in told.evidence
    assert subscriptions(tmp_path, 2022) == ()


def test_staff_that_is_kept_up_to_date_is_told(tmp_path: Path) -> None:
    """Where accounts hold what their history ends with, they hold today's value."""
    report = check(
        tmp_path,
        "data: data\n",
        accounts=table("account_id,created_at,employees", [f"a{n},2023-01-01,{n + 7}" for n in range(20)]),
        account_history=table(
            "account_id,attribute,changed_at,value", [f"a{n},employees,2024-0{n % 9 + 1}-01,{n + 7}" for n in range(20)]
        ),
        subscriptions=table(
            "subscription_id,started_at,account_id,product,quantity,mrr",
            [f"s{n},2024-01-01,a{n},p,1,100" for n in range(20)],
        ),
        orders="",
        tickets=table("ticket_id,opened_at,account_id", ["1,2024-09-01,a1"]),
    )
    [suspect] = report.table("accounts").suspects
    assert (suspect.column, suspect.used) == ("employees", True)
    assert suspect.evidence.startswith("100% of the accounts whose history tells changes")
