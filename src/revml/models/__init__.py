"""The learner, its baselines, calibration, and the bundle that is saved and served.

Comes in: labelled frames. Goes out: a bundle, a folder of text files that predicts the same to the last bit wherever it
is loaded. Nothing here knows MLflow, and nothing is ever pickled.
"""

from revml.models.bundle import Bands, Bundle, load_bundle
from revml.models.registry import champion
from revml.models.sheet import ModelSheet, load_sheet

__all__ = ["Bands", "Bundle", "ModelSheet", "champion", "load_bundle", "load_sheet"]
