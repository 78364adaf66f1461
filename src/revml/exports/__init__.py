"""Scores, reasons, lifetime values and flows as files for people, CRMs and warehouses.

Comes in: the scores database. Goes out: one CSV or Parquet file, written whole or not at all.
"""

from __future__ import annotations

from revml.exports.files import plain, write_csv, write_parquet
from revml.exports.tables import TABLES, export, export_scores, export_values, score_table, value_table

__all__ = [
    "TABLES",
    "export",
    "export_scores",
    "export_values",
    "plain",
    "score_table",
    "value_table",
    "write_csv",
    "write_parquet",
]
