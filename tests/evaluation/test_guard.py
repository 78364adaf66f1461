"""The guard before training: a leak of any kind is found and blocks; what is honest is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revml.config import Workspace
from revml.datasets import Dataset
from revml.evaluation.guard import blocking, guard
from revml.models.sheet import ModelSheet, load_sheet
from revml.training import train_dataset
from tests.leaving_company import leaving_company, with_column
from tests.made_dataset import made_dataset

SEEDS = range(20)


def noisy_copy(dataset: Dataset, leaves: np.ndarray, rng: np.random.Generator) -> Dataset:
    """The label itself, wrong in one row of twenty."""
    label = dataset.frame["label"].to_numpy()
    return with_column(dataset, "flag_k", np.where(rng.random(len(label)) < 0.05, 1 - label, label))


def filled_afterwards(dataset: Dataset, leaves: np.ndarray, rng: np.random.Generator) -> Dataset:
    """A reason that nearly all who leave have, and few others."""
    label = dataset.frame["label"].to_numpy()
    told = rng.random(len(label)) < np.where(label == 1, 0.95, 0.03)
    return with_column(dataset, "note", np.where(told, rng.choice(["price", "merger"], len(label)), ""))


def over_the_window(dataset: Dataset, leaves: np.ndarray, rng: np.random.Generator) -> Dataset:
    """Uses counted over the days to come: who leaves uses until then."""
    month = dataset.frame["as_of"].rank(method="dense").to_numpy().astype(int) - 1
    number = dataset.frame["account_id"].str[1:].astype(int).to_numpy()
    there = np.clip(leaves[number] - month, 0, 3)
    return with_column(dataset, "uses", rng.poisson(12.0 * there + 1))


def status_of_today(dataset: Dataset, leaves: np.ndarray, rng: np.random.Generator) -> Dataset:
    """Each account's status as it is at the end of the data, on all of its rows."""
    gone = leaves < dataset.frame["as_of"].nunique() + 2
    number = dataset.frame["account_id"].str[1:].astype(int).to_numpy()
    return with_column(dataset, "state", np.where(gone, "closed", "open")[number])


PLANTS: tuple[Callable[[Dataset, np.ndarray, np.random.Generator], Dataset], ...] = (
    noisy_copy,
    filled_afterwards,
    over_the_window,
    status_of_today,
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> ModelSheet:
    """The shipped churn sheet with fewer resamples."""
    shipped = load_sheet(Workspace().at(tmp_path_factory.mktemp("sheet")), "churn")
    return shipped.model_copy(update={"bootstrap_rounds": 60, "max_rounds": 100})


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_leak_is_found(plant: Callable[..., Dataset]) -> None:
    """Each kind of leak is named, for certain, and it alone."""
    dataset, leaves = leaving_company(seed=3)
    leaky = plant(dataset, leaves, np.random.default_rng(3))
    assert blocking(guard(leaky, leaky.features)) == (leaky.features[-1],)


@pytest.mark.slow
def test_a_planted_leak_is_found_in_twenty_worlds_of_twenty() -> None:
    """All kinds of leaks, in worlds of twenty seeds."""
    missed = []
    for seed in SEEDS:
        for plant in PLANTS:
            dataset, leaves = leaving_company(seed=seed)
            leaky = plant(dataset, leaves, np.random.default_rng(seed))
            found = blocking(guard(leaky, leaky.features))
            if found != (leaky.features[-1],):
                missed.append((seed, plant.__name__, found))
    assert missed == []


@pytest.mark.slow
def test_nothing_is_found_in_twenty_honest_worlds() -> None:
    """Strong honest features, a calendar among them, raise no alarm of either kind."""
    worlds = [leaving_company(seed=seed)[0] for seed in SEEDS] + [made_dataset(seed=seed) for seed in SEEDS]
    assert [guard(world, world.features) for world in worlds] == [()] * 40


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_is_never_promoted(tmp_path: Path, quick: ModelSheet, seed: int) -> None:
    """Where labels have nothing to do with the features, neither a model nor a rule passes."""
    dataset = shuffled(made_dataset(seed=seed) if seed % 2 else leaving_company(seed=seed)[0], seed)
    workspace = Workspace().at(tmp_path)
    result = train_dataset(workspace, dataset, sheet=quick)
    rule = train_dataset(workspace, dataset, sheet=quick.model_copy(update={"rungs": ("constant", "rule")}))
    assert not result.verdict.passed
    assert not rule.verdict.passed


def shuffled(dataset: Dataset, seed: int) -> Dataset:
    """The dataset with labels dealt out anew at each instant."""
    rng = np.random.default_rng(1_000 + seed)
    label = dataset.frame.groupby("as_of")["label"].transform(lambda part: rng.permutation(part.to_numpy()))
    return replace(dataset, frame=dataset.frame.assign(label=label.astype("int8")), fingerprint=f"noise-{seed}")
