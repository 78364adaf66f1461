"""Golden rows: a few rows with what the model said of them when it was trained, so that a machine can prove it agrees.

    golden.json   features: the columns in order
                  base: log-odds of the average row
                  rows: [{values, raw, probability, parts}], values as the encoding sees them, null where unknown

Every number is written so that it reads back to the same bits. The rows are real ones at all levels of risk, those with
the most unknowns, one a category as far as there is room, and two that no account is: all unknown, all at an extreme.
They bear no id and no date. A bundle of before golden rows has none, which is told and not refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from revml.errors import BundleError
from revml.models.baselines import Rung
from revml.models.calibration import Calibration
from revml.models.encoding import Encoding

if TYPE_CHECKING:
    from revml.models.bundle import Bundle

GOLDEN = "golden.json"
ROWS = 16
LEVELS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # quantiles of the log-odds
EMPTIEST = 3  # rows with the most unknowns
DIGITS = 6  # significant; what is scored is the rounded row, so nothing is lost by it
PROBABILITY, PARTS = 1e-9, 1e-7  # how far another machine may be off; other processors round sums otherwise

Says: TypeAlias = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, float, np.ndarray]]
"""From a matrix to raw log-odds, probabilities, base and parts."""


def golden(model: Rung, calibration: Calibration, encoding: Encoding, matrix: np.ndarray) -> dict[str, Any]:
    """What `golden.json` holds.

    Args:
        matrix: encoded rows to choose from, such as the newest that were learned from.

    Returns:
        At most `ROWS` rows; the same matrix gives the same.
    """
    rows = _rounded(_chosen(model, encoding, matrix), encoding)
    raw, probability, base, parts = _says(model, calibration)(rows)
    return {
        "features": list(encoding.names),
        "base": base,
        "rows": [
            {
                "values": _values(encoding, rows[i]),
                "raw": float(raw[i]),
                "probability": float(probability[i]),
                "parts": parts[i].tolist(),
            }
            for i in range(len(rows))
        ],
    }


def golden_text(told: Mapping[str, Any]) -> str:
    """What `golden` gave as text, a row a line: a bundle of many features stays small."""
    rows = ",\n".join(_line(row) for row in told["rows"])
    return f'{{"features":{_line(told["features"])},\n"base":{_line(told["base"])},\n"rows":[\n{rows}\n]}}\n'


def check_golden(bundle: Bundle, says: Says | None = None) -> bool:
    """Score the golden rows of a bundle with this machine's code.

    Args:
        says: what is to be checked; the model's own scoring where none is given.

    Returns:
        Whether there was anything to check: False for a bundle that was written before there were golden rows.

    Raises:
        BundleError: a probability, or a part of one, is not what training wrote.
    """
    if GOLDEN not in bundle.manifest["files"]:
        return False
    told = _read(bundle)
    rows = told["rows"]
    if told["features"] != list(bundle.features):
        raise _away(bundle, "the bundle's features", f"{len(told['features'])} others")
    matrix = bundle.encoding.rows([dict(zip(told["features"], row["values"], strict=True)) for row in rows])
    raw, probability, base, parts = (says or _says(bundle.model, bundle.calibration))(matrix)
    for name, got, wanted, allowed in (
        ("probability", probability, [row["probability"] for row in rows], PROBABILITY),
        ("log-odds", raw, [row["raw"] for row in rows], PARTS),
        ("contributions", parts, [row["parts"] for row in rows], PARTS),
        ("base", np.full(1, base), [told["base"]], PARTS),
    ):
        _same(bundle, name, np.asarray(got, dtype=float), np.asarray(wanted, dtype=float), allowed)
    return True


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _same(bundle: Bundle, name: str, got: np.ndarray, wanted: np.ndarray, allowed: float) -> None:
    if got.shape != wanted.shape:
        raise _away(bundle, f"{name} of shape {wanted.shape}", f"shape {got.shape}")
    away = np.abs(got - wanted)
    bad = ~(away <= allowed)  # also what is no number
    if bad.any():
        at = np.unravel_index(int(np.argmax(np.where(np.isnan(away), np.inf, away))), away.shape)
        raise _away(
            bundle,
            f"{name} {float(wanted[at])!r} of golden row {int(at[0]) + 1}, to {allowed:g}",
            f"{float(got[at])!r}; {int(bad.sum())} of {bad.size} are off",
        )


def _away(bundle: Bundle, wanted: str, got: str) -> BundleError:
    return BundleError(
        "this machine does not score the model as it was trained",
        where=f"{bundle.question} bundle {bundle.version}: {GOLDEN}",
        wanted=wanted,
        got=got,
        do="install the LightGBM and revml that trained it (`made` in manifest.json), or train again here",
    )


def _read(bundle: Bundle) -> dict[str, Any]:
    try:
        return dict(json.loads((bundle.folder / GOLDEN).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise _away(bundle, "the golden rows that training wrote", f"not readable: {error}") from None


def _says(model: Rung, calibration: Calibration) -> Says:
    def says(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        raw = model.raw(matrix)
        base, parts = model.contributions(matrix)
        return raw, calibration.apply(raw), base, parts

    return says


def _chosen(model: Rung, encoding: Encoding, matrix: np.ndarray) -> np.ndarray:
    """The rows to keep, and the two that no account is."""
    columns = matrix.shape[1]
    made = [np.full(columns, np.nan), _extreme(encoding, matrix)]
    if not len(matrix):
        return np.stack(made[:1])
    risk = np.argsort(model.raw(matrix), kind="stable")
    at = [int(risk[round(level * (len(risk) - 1))]) for level in LEVELS]
    at += np.argsort(-np.isnan(matrix).sum(axis=1), kind="stable")[:EMPTIEST].tolist()
    picked = list(dict.fromkeys(at))
    for column, told in enumerate(encoding.columns):
        for code in range(len(told.codes)):
            have = np.flatnonzero(matrix[:, column] == code)
            if len(picked) < ROWS - len(made) and len(have) and not np.isin(picked, have).any():
                picked.append(int(have[0]))
    for row in risk[:: max(1, len(risk) // ROWS)].tolist():
        if len(picked) < ROWS - len(made) and row not in picked:
            picked.append(row)
    return np.concatenate([matrix[picked], np.stack(made)])


def _extreme(encoding: Encoding, matrix: np.ndarray) -> np.ndarray:
    """The largest value of every other column, the smallest of the rest; unknown where none is known."""
    known = np.isfinite(matrix).any(axis=0) if len(matrix) else np.zeros(len(encoding.columns), dtype=bool)
    out = np.full(len(encoding.columns), np.nan)
    for column in np.flatnonzero(known):
        out[column] = (np.nanmax if column % 2 else np.nanmin)(matrix[:, column])
    return out


def _rounded(rows: np.ndarray, encoding: Encoding) -> np.ndarray:
    out = rows.copy()
    for column, told in enumerate(encoding.columns):
        if told.kind == "number":
            out[:, column] = [float(f"{value:.{DIGITS}g}") for value in rows[:, column]]
    return out


def _values(encoding: Encoding, row: np.ndarray) -> list[Any]:
    return [
        None if np.isnan(value) else column.codes[int(value)] if column.kind == "category" else float(value)
        for column, value in zip(encoding.columns, row, strict=True)
    ]
