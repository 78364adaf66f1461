"""Why a CLV figure needs care: short sentences that stand beside it, in the language of the reader.

The `warning` column of a forecast holds the English sentences, one after another; `caution_words` gives the same in
another language. The sentences stand in the catalogues under `clv.caution.<name>`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from revml.locales import words

CAUTIONS = ("extrapolated", "few_orders", "few_buyers", "negative_margin", "no_score", "no_losses")


def cautions(rows: int, flags: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.object_]:
    """(rows,) sentences of the flags that are set, in the order of `CAUTIONS`; '' where none is.

    Args:
        flags: by name from `CAUTIONS` whether it holds, a row or for all.
    """
    out = np.full(rows, "", dtype=object)
    for name in CAUTIONS:
        if name in flags:
            held = np.broadcast_to(np.asarray(flags[name], dtype=bool), rows)
            sentence = words("en").text(f"clv.caution.{name}")
            out[held] = [f"{before} {sentence}".strip() for before in out[held]]
    return out


def caution_words(warning: str, language: str) -> str:
    """The sentences of a `warning` in another language; what is not a caution is left as it is.

    >>> caution_words("", "cs")
    ''
    """
    for name in CAUTIONS:
        key = f"clv.caution.{name}"
        warning = warning.replace(words("en").text(key), words(language).text(key))
    return warning
