"""Columns that are filled from one month on, or no more: a form that changed, an export that lost a field.

Comes in: rows and filled rows by month. Goes out: notes on jumps between levels that were steady before and after.
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST_ROWS = 50
BEFORE, AFTER = 3, 2
STEADY, JUMP = 0.15, 0.4


def filling(column: str, months: Sequence[tuple[str, int, int]]) -> list[str]:
    """Notes on one column.

    Args:
        months: month, its rows, and the rows in which the column is filled; in order.

    >>> full, empty = [(f"2025-0{n}", 100, 98) for n in range(1, 5)], [(f"2025-0{n}", 100, 0) for n in range(5, 8)]
    >>> filling("plan", full + empty)
    ['plan is filled in 0% of the rows from 2025-05 on, in 98% before: did the source change?']
    """
    shares = [(month, filled / rows) for month, rows, filled in months if rows >= LEAST_ROWS]
    found, number = [], BEFORE
    while number <= len(shares) - AFTER:
        # The month of the change itself may hold both.
        for start in (number, number + 1):
            before = [share for _, share in shares[number - BEFORE : number]]
            after = [share for _, share in shares[start : start + BEFORE]]
            if len(after) < AFTER or max(before) - min(before) > STEADY or max(after) - min(after) > STEADY:
                continue
            was, became = sum(before) / len(before), sum(after) / len(after)
            if abs(became - was) >= JUMP:
                found.append(
                    f"{column} is filled in {became:.0%} of the rows from {shares[start][0]} on, in {was:.0%} before:"
                    " did the source change?"
                )
                number = start + BEFORE - 1
                break
        number += 1
    return found[:2]
