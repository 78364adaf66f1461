"""The words of the figures, added when they are read: name, definition, caveat, reasons and cautions in a language.

Comes in: the document that `KpiReport.to_dict` made, from this run or from the store. Goes out: the same document with
texts beside each figure. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from revml.clv.kpis.figures import UNITS
from revml.clv.kpis.segments import SEGMENTS
from revml.locales import Words

COHORT_TABLES = ("contract.retention", "contract.revenue", "orders.retention")


def with_words(document: Mapping[str, Any], words: Words, *, by: str | None = None) -> dict[str, Any]:
    """The document in a language.

    Args:
        by: the one kind of segments to keep; absent keeps all.

    Returns:
        The document; figures with `label`, `definition`, `caveat`, `reason_text` and `caution_texts`; segments with
        their `label`; `about`: what movements, months, families and cohort tables mean.
    """
    segments = [one for one in document["segments"] if by is None or one["by"] == by]
    return {
        **document,
        "kpis": [figure_words(kpi, words) for kpi in document["kpis"]],
        "segments": [
            {
                **one,
                "label": one["value"] or words.text(f"kpi.segment.{one['kind']}.{_kind(one['by'])}"),
                "kpis": [figure_words(kpi, words) for kpi in one["kpis"]],
            }
            for one in segments
        ],
        "families": [
            {**one, "label": one["family"] or words.text("kpi.segment.unknown.any")} for one in document["families"]
        ],
        "kinds": [
            {"by": by, "label": words.text(f"kpi.by.{by}")}
            for by in SEGMENTS
            if any(one["by"] == by for one in document["segments"])
        ],
        "about": {
            name: {
                "label": words.text(f"kpi.table.{name}.name"),
                "definition": words.text(f"kpi.table.{name}.definition"),
                "caveat": words.text(f"kpi.table.{name}.caveat"),
            }
            for name in ("movements", "series", "segments", "families", *COHORT_TABLES)
        },
    }


def figure_words(kpi: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """A figure with its words."""
    name = kpi["name"]
    if name not in UNITS:  # a run of another version
        return {**kpi, "label": name, "definition": "", "caveat": "", "reason_text": "", "caution_texts": []}
    return {
        **kpi,
        "label": words.text(f"kpi.{name}.name"),
        "definition": words.text(f"kpi.{name}.definition"),
        "caveat": words.text(f"kpi.{name}.caveat"),
        "reason_text": words.text(f"kpi.reason.{kpi['reason']}") if kpi["reason"] else "",
        "caution_texts": [words.text(f"kpi.caution.{caution}") for caution in kpi["cautions"]],
    }


def _kind(by: str) -> str:
    return "cohort" if by == "cohort" else "any"
