"""Whether the staff that `accounts` tells is that of the day the account was created, or today's.

Where `account_history` tells changes, a column that is kept up to date holds what the history ends with; one that was
written once hardly ever does. Only the latter may be compared with later values: today's would know the future.
Comes in: the two tables, by SQL that DuckDB and PostgreSQL both run. Goes out: yes or no, for the company as a whole.
"""

from __future__ import annotations

from typing import Any

# What `Known.has("accounts", ...)` is asked for, beside the contract's own columns.
EMPLOYEES = "employees_at_start"


def changed_and_same(accounts: str = "accounts", account_history: str = "account_history") -> str:
    """A SELECT of how many accounts' staff changed, and for how many the column of accounts is the newest value.

    Accounts whose history begins with themselves say nothing: their column is never read.

    Args:
        accounts, account_history: what stands after FROM for each table.
    """
    return f"""
SELECT COUNT(*) AS changed, COALESCE(SUM(CASE WHEN CAST(employees AS VARCHAR) = value THEN 1 ELSE 0 END), 0) AS same
FROM (
    SELECT a.employees, a.created_at, h.value,
        MIN(h.changed_at) OVER (PARTITION BY a.account_id) AS first_at,
        ROW_NUMBER() OVER (PARTITION BY a.account_id ORDER BY h.changed_at DESC, h.value) AS newest
    FROM {accounts} AS a JOIN {account_history} AS h ON h.account_id = a.account_id
    WHERE h.attribute = 'employees' AND a.employees IS NOT NULL
) AS changes WHERE newest = 1 AND first_at > created_at + INTERVAL '1 day'
"""


def starts(changed: Any, same: Any) -> bool:
    """Whether the column is that of the start, by what `changed_and_same` gives."""
    return bool(changed) and 2 * int(same) <= int(changed)


def with_start(columns: dict[str, frozenset[str]], changed: Any, same: Any) -> dict[str, frozenset[str]]:
    """The columns that hold values, with `EMPLOYEES` where the column of accounts is that of the start.

    Args:
        changed, same: what `changed_and_same` gives.

    >>> sorted(with_start({"accounts": frozenset({"employees"})}, 40, 2)["accounts"])
    ['employees', 'employees_at_start']
    >>> sorted(with_start({"accounts": frozenset({"employees"})}, 40, 39)["accounts"])
    ['employees']
    """
    if not starts(changed, same):
        return columns
    return {**columns, "accounts": columns["accounts"] | {EMPLOYEES}}
