"""The same contributions as `shap.Explanation`, so that shap's own plots work on them.

    import shap
    shap.plots.waterfall(shap_explanation(bundle, rows)[0])

Comes in: a bundle and rows. Goes out: what `scored` says of them, in shap's form. shap is imported only here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from revml.explanations.one_pass import scored_matrix
from revml.models.bundle import Bundle
from revml.models.encoding import Rows

if TYPE_CHECKING:
    import shap


def shap_explanation(bundle: Bundle, rows: Rows) -> shap.Explanation:
    """Contributions to the log-odds, with the base, the encoded values, and the categories by their names.

    Raises:
        BundleError: a feature is missing or of the wrong type.
    """
    import shap

    matrix = bundle.encoding.matrix(rows)
    told = scored_matrix(bundle, matrix)
    shown = matrix.astype(object)
    for j, column in enumerate(bundle.encoding.columns):
        if column.kind == "category":
            shown[:, j] = [column.codes[int(code)] if code >= 0 else None for code in matrix[:, j]]
    return shap.Explanation(
        values=told.parts,
        base_values=np.full(len(matrix), told.base),
        data=matrix,
        display_data=shown,
        feature_names=list(bundle.features),
    )
