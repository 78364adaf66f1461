"""The guard before training: a leak of any kind is found and blocks; what is honest is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import Workspace
from revml.datasets import Dataset
from revml.evaluation.guard import SENTENCES, blocking, guard
from revml.locales import LANGUAGES, words
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
    """Where labels have nothing to do with the features, neither a model passes nor the rule that would stand in."""
    worlds = (
        lambda: made_dataset(seed=seed),
        lambda: leaving_company(seed=seed)[0],
        lambda: made_dataset(seed=seed, accounts=120, noise=40),
        lambda: made_dataset(seed=seed, accounts=120, noise=20, months=9, valid=False),
    )
    dataset = dealt_anew(worlds[seed % 4](), seed)
    workspace = Workspace().at(tmp_path)
    rule = quick.model_copy(update={"rungs": ("constant", "rule")})
    assert not train_dataset(workspace, dataset, sheet=quick).verdict.passed
    assert not train_dataset(workspace, dataset, sheet=rule).verdict.passed


@pytest.mark.slow
def test_luck_on_a_small_test_is_no_model(tmp_path: Path, quick: ModelSheet) -> None:
    """Noise on whose 13 test events an earlier ladder happened to do well is refused."""
    dataset = dealt_anew(made_dataset(seed=32, accounts=120, noise=40), 32)
    assert not train_dataset(Workspace().at(tmp_path), dataset, sheet=quick).verdict.passed


@pytest.mark.slow
def test_small_real_models_still_pass(tmp_path: Path, quick: ModelSheet) -> None:
    """Of eight companies of 120 accounts with a real mechanism among forty columns of noise, seven pass or more."""
    worlds = [made_dataset(seed=seed, accounts=120, noise=40) for seed in range(8)]
    passed = [train_dataset(Workspace().at(tmp_path), world, sheet=quick).verdict.passed for world in worlds]
    assert sum(passed) >= 7


def dealt_anew(dataset: Dataset, seed: int) -> Dataset:
    """The dataset with labels dealt out anew at each instant."""
    rng = np.random.default_rng(1_000 + seed)
    label = dataset.frame.groupby("as_of")["label"].transform(lambda part: rng.permutation(part.to_numpy()))
    return replace(dataset, frame=dataset.frame.assign(label=label.astype("int8")), fingerprint=f"noise-{seed}")


def test_a_leak_blocks_until_the_sheet_allows_it(tmp_path: Path, quick: ModelSheet) -> None:
    """The verdict names the leak, the card its evidence; allowed with a reason, the model is judged by its test."""
    dataset, leaves = leaving_company(seed=3, accounts=400)
    leaky = over_the_window(dataset, leaves, np.random.default_rng(3))
    stopped = train_dataset(Workspace().at(tmp_path), leaky, sheet=quick)
    assert not stopped.verdict.passed
    assert "leak" in stopped.verdict.reasons
    [told] = stopped.bundle.manifest["leaks"]
    assert (told["feature"], told["blocks"]) == ("uses", True)
    assert told["evidence"] in stopped.bundle.card("en")
    allowed = quick.model_copy(update={"allow": {"uses": "planned uses, agreed with the customer beforehand"}})
    passed = train_dataset(Workspace().at(tmp_path), leaky, sheet=allowed)
    assert "leak" not in passed.verdict.reasons
    assert "agreed with the customer" in passed.bundle.card("cs")


def test_a_feature_left_out_by_the_sheet_blocks_nothing() -> None:
    """The guard looks at what the model may look at."""
    dataset, leaves = leaving_company(seed=3)
    leaky = noisy_copy(dataset, leaves, np.random.default_rng(3))
    assert guard(leaky, dataset.features) == ()


def test_the_guard_says_the_same_in_any_order_of_rows() -> None:
    """Rows shuffled give equal findings, so that equal data give equal bundles."""
    dataset, leaves = leaving_company(seed=5)
    leaky = status_of_today(dataset, leaves, np.random.default_rng(5))
    turned = replace(leaky, frame=leaky.frame.sample(frac=1.0, random_state=1))
    assert guard(turned, turned.features) == guard(leaky, leaky.features) != ()


def test_rows_that_stand_on_both_sides_are_found() -> None:
    """A test half of which are learning rows under other names."""
    dataset = made_dataset(seed=4)
    [at] = dataset.split.test
    tested = (dataset.frame["as_of"] == at).to_numpy()
    rows = dataset.frame[tested].iloc[:150]
    twins = dataset.frame[dataset.frame["as_of"] == dataset.split.train[0]].iloc[:150]
    copied = twins.assign(as_of=at, account_id=[f"b{i}" for i in range(len(twins))])
    frame = pd.concat([dataset.frame.drop(rows.index), copied], ignore_index=True)
    [one] = guard(replace(dataset, frame=frame), dataset.features)
    assert (one.kind, one.figures["rows"], one.blocks) == ("twins", 150, True)


def test_rows_of_constants_are_no_twins() -> None:
    """Accounts that do nothing are alike and tell nothing."""
    dataset = made_dataset(seed=4, noise=0)
    frame = dataset.frame.assign(active_users_28d=np.float32(0), mrr=np.float32(9), industry="mining")
    assert guard(replace(dataset, frame=frame), dataset.features) == ()


def test_a_calendar_may_know_much() -> None:
    """Contracts that end at renewals only: the share that renews in the window is strong, gone earlier, and honest."""
    dataset, _ = leaving_company(seed=6)
    rng = np.random.default_rng(6)
    number = dataset.frame["account_id"].str[1:].astype(int).to_numpy()
    month = dataset.frame["as_of"].rank(method="dense").to_numpy().astype(int) - 1
    soon = (number - month) % 12 < 1
    frame = dataset.frame.assign(label=(soon & (rng.random(len(soon)) < 0.4)).astype("int8"))
    world = with_column(replace(dataset, frame=frame), "mrr_renewing_share_84d", soon.astype(float))
    assert guard(world, world.features) == ()
    renamed = with_column(replace(dataset, frame=frame), "k7", soon.astype(float))
    assert blocking(guard(renamed, renamed.features)) == ("k7",)


@pytest.mark.parametrize("kind", SENTENCES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_kind_of_evidence_has_its_words(kind: str, language: str) -> None:
    """The catalogues tell each finding with the figures of the English sentence."""
    names = set(re.findall(r"{(\w+)", SENTENCES[kind]))
    assert set(re.findall(r"{(\w+)", words(language).text(f"card.leak.{kind}"))) == names
