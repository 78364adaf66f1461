"""The lifetime values of some accounts of a run as plain rows, for files: all relations together, or one by one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select

from revml.store.schema import accounts, clv, coming, values

ABOUT = ("account_id", "name", "owner", "parent_account_id")
QUANTILES = ("clv_p10", "clv_p50", "clv_p90")
COMING = ("next_order", "p_order_3m", "p_order_12m")
SUMMED = ("clv", "base", "expansion", "contraction", "referral", "expected_revenue")


def every_value(
    connection: Connection, run_id: int, *, by_relation: bool, between: tuple[str, str]
) -> list[dict[str, Any]]:
    """Values by account and horizon, with the account's name, owner, parent and next order; plain rows.

    Components of an account are the sums of its relations'.

    Args:
        between: the first and the last id of the accounts, as the database orders them.
    """

    def here(table: Table) -> list[ColumnElement[bool]]:
        return [table.c.run_id == run_id, table.c.account_id >= between[0], table.c.account_id <= between[1]]

    who = {
        row["account_id"]: dict(row)
        for row in connection.execute(
            select(*(accounts.c[name] for name in ABOUT)).where(*here(accounts)).order_by(accounts.c.account_id)
        ).mappings()
    }
    for order in connection.execute(select(coming).where(*here(coming))).mappings():
        who[order["account_id"]] |= {name: order[name] for name in COMING}
    ordered = select(clv).where(*here(clv))
    relations = connection.execute(ordered.order_by(clv.c.account_id, clv.c.relation, clv.c.horizon_months)).mappings()
    if by_relation:
        return [who[row["account_id"]] | _without_run(row) for row in relations]
    out: dict[tuple[str, int], dict[str, Any]] = {}
    for row in relations:
        key = row["account_id"], row["horizon_months"]
        beyond = abs(row["clv"]), abs(row["clv"]) * (row["extrapolated_share"] or 0.0)
        known = out.get(key)
        if known is None:
            told = {name: row[name] for name in ("account_id", "horizon_months", *QUANTILES, *SUMMED)}
            out[key] = who[row["account_id"]] | told | {"size": beyond[0], "beyond": beyond[1]}
            continue
        for name in SUMMED:
            known[name] = None if known[name] is None or row[name] is None else known[name] + row[name]
        known |= dict.fromkeys(QUANTILES)  # those of a sum are not the sums
        known["size"], known["beyond"] = known["size"] + beyond[0], known["beyond"] + beyond[1]
    for whole in connection.execute(select(values).where(*here(values))).mappings():
        key = whole["account_id"], whole["horizon_months"]
        out[key] = out.get(key, who[whole["account_id"]]) | _without_run(whole)
    for one in out.values():
        size, beyond_all = one.pop("size", 0.0), one.pop("beyond", 0.0)
        one["extrapolated_share"] = beyond_all / size if size else 0.0
    place = {account: at for at, account in enumerate(who)}  # the database's order, which need not be Python's
    return [out[key] for key in sorted(out, key=lambda key: (place[key[0]], key[1]))]


def _without_run(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if name != "run_id"}
