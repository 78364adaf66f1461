"""Several boosted ensembles as one: the trees of all, each leaf divided by their number, in LightGBM's own text.

What ensembles of other seeds or other sizes err in differs, so their mean errs less; as it is one sum of trees again,
whatever reads, explains or checks a model need not know. Comes in: model texts over the same columns. Goes out: one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_DIVIDED = ("leaf_value", "internal_value", "shrinkage")
_TREES = re.compile(r"(?s)(?P<head>.*?)(?P<trees>Tree=0\n.*?)(?P<tail>end of trees\n.*)")


def mean_text(texts: Sequence[str]) -> str:
    """The text of the mean of several models; of one, that one as it is.

    Args:
        texts: at least one; columns, categories and objective are those of the first.
    """
    if len(texts) == 1:
        return texts[0]
    parts = [_TREES.fullmatch(text) for text in texts]
    blocks = [
        _divided(block, len(texts))
        for part in parts
        if part is not None
        for block in re.split(r"(?m)^(?=Tree=\d+$)", part["trees"])[1:]
    ]
    first = parts[0]
    if first is None or None in parts:
        raise ValueError("a model without trees has no place in a mean")
    blocks = [re.sub(r"\ATree=\d+", f"Tree={number}", block) for number, block in enumerate(blocks)]
    sizes = " ".join(str(len(block)) for block in blocks)
    return re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={sizes}", first["head"]) + "".join(blocks) + first["tail"]


def _divided(block: str, by: int) -> str:
    """A tree whose every value is divided, to the last digit that a double holds."""

    def line(found: re.Match[str]) -> str:
        return f"{found['key']}={' '.join(f'{float(value) / by:.17g}' for value in found['values'].split())}"

    return re.sub(rf"(?m)^(?P<key>{'|'.join(_DIVIDED)})=(?P<values>.*)$", line, block)
