"""What is said of scored rows, as JSON or as an Arrow stream."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from starlette.responses import Response

from revml.explanations.reader import Read
from revml.service.decoding import Decoded
from revml.service.prepared import Prepared

ARROW = "application/vnd.apache.arrow.stream"
REASON = pa.struct(
    [
        ("rank", pa.int8()),
        ("concept", pa.string()),
        ("side", pa.string()),
        ("contribution", pa.float64()),
        ("feature", pa.string()),
        ("text", pa.string()),
    ]
)


def json_rows(prepared: Prepared, decoded: Decoded, read: Read, language: str) -> list[dict[str, Any]]:
    """One object a row, in the order of the rows."""
    return [
        {
            "probability": probability,
            "band": band,
            "horizons": horizons,
            "reasons": reasons,
            "unseen_categories": decoded.unseen.get(i, []),
        }
        for i, (probability, band, horizons, reasons) in enumerate(
            zip(
                read.probability.tolist(),
                read.band.tolist(),
                _horizons(prepared, read),
                prepared.reader.reasons(read, language),
                strict=True,
            )
        )
    ]


def arrow_answer(prepared: Prepared, decoded: Decoded, read: Read, language: str) -> Response:
    """An Arrow stream: probability, band, one column a horizon, reasons, unseen categories; the model as metadata."""
    columns: dict[str, pa.Array] = {
        "probability": pa.array(read.probability),
        "band": pa.array(read.band.tolist(), pa.string()),
    }
    curve = prepared.bundle.hazards
    if read.horizons is not None and curve is not None:
        for k, days in enumerate(curve.horizons):
            columns[f"probability_{days}d"] = pa.array(read.horizons[:, k])
    columns["reasons"] = pa.array(prepared.reader.reasons(read, language), pa.list_(REASON))
    unseen = [decoded.unseen.get(i, []) for i in range(len(read.rows))]
    columns["unseen_categories"] = pa.array(unseen, pa.list_(pa.string()))
    table = pa.table(columns).replace_schema_metadata(
        {"question": prepared.bundle.question, "model": json.dumps(prepared.told)}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return Response(sink.getvalue().to_pybytes(), media_type=ARROW)


def _horizons(prepared: Prepared, read: Read) -> list[list[dict[str, Any]]]:
    """The curve of each row; empty where the question has one horizon."""
    curve = prepared.bundle.hazards
    if read.horizons is None or curve is None:
        return [[] for _ in range(len(read.rows))]
    days, far = curve.horizons, curve.extrapolated
    return [
        [{"days": d, "probability": p, "extrapolated": e} for d, p, e in zip(days, row, far, strict=True)]
        for row in read.horizons.tolist()
    ]
