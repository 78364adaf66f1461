"""Training: a dataset becomes a bundle, measured once on a window that nothing was chosen on.

assembly  the steps of a training, and its result
fitting   a rung is chosen and fitted before any test
writing   what a bundle tells of its training, and its files
"""

from revml.training.assembly import TrainingResult, train, train_dataset
from revml.training.fitting import MIN_ACCOUNTS, MIN_EVENTS, Fitted, fit_dataset, try_fitted

__all__ = [
    "MIN_ACCOUNTS",
    "MIN_EVENTS",
    "Fitted",
    "TrainingResult",
    "fit_dataset",
    "train",
    "train_dataset",
    "try_fitted",
]
