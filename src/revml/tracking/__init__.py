"""What MLflow is told, and what it is asked for. The rest of revml calls these few functions and knows no MLflow.

store         the client, quiet and bounded; the one file that imports mlflow
told          what a run tells of a bundle, read from the manifest alone
runs          the run, its logged model, folds and trials below it
registration  versions and the aliases champion and challenger
fetching      MLflow's champion brought to this machine
backtests     a replayed past as a run
"""

from revml.tracking.backtests import log_backtest
from revml.tracking.fetching import champion_versions, fetch_champion
from revml.tracking.registration import Registered, follow, register, registered_versions
from revml.tracking.runs import model_name

__all__ = [
    "Registered",
    "champion_versions",
    "fetch_champion",
    "follow",
    "log_backtest",
    "model_name",
    "register",
    "registered_versions",
]
