"""Dask on this machine scores to the bit like one process, and its trees say what one machine's say."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.elsewhere import dask_scores, train_on_dask
from revml.explanations import scored
from tests.models.hand_made import write
from tests.test_elsewhere import rows, trees

pytest.importorskip("distributed", reason="Dask is not installed (make test-dask), so nothing is tested on it")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two workers, each a process of its own."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as cluster,
        Client(cluster) as there,
    ):
        yield there


def test_dask_scores_like_the_bundle(tmp_path: Path, client: Any) -> None:
    """Keys, log-odds, probabilities, bands and contributions of every row, whatever the partitions."""
    import dask.dataframe as dd

    frame, label = rows()
    bundle = write(tmp_path, trees(frame, label, tmp_path / "encoding"), frame)
    found = dask_scores(dd.from_pandas(frame, npartitions=5), bundle.folder, parts=True).compute()
    told = scored(bundle, frame)
    assert found["account_id"].tolist() == frame["account_id"].tolist()
    assert (found["raw"].to_numpy() == told.raw).all()
    assert (found["probability"].to_numpy() == told.probability).all()
    assert (found.filter(like="contribution_").to_numpy() == told.parts).all()
    assert found["band"].tolist() == bundle.bands.of(told.probability).tolist()
    assert len(client.scheduler_info()["workers"]) == 2


def test_trees_of_a_cluster_say_what_those_of_one_machine_say(tmp_path: Path, client: Any) -> None:
    """Same setting, same rows, two workers: as many trees, log-odds within a tolerance, no address in the model."""
    import dask.dataframe as dd

    frame, label = rows(4000)
    alone = trees(frame, label, tmp_path / "encoding")
    bundle = write(tmp_path, alone, frame)
    made = train_on_dask(client, dd.from_pandas(frame.assign(label=label), npartitions=4), bundle)
    assert made.rounds == alone.rounds
    matrix = bundle.encoding.matrix(frame)
    here, there = alone.raw(matrix), made.raw(matrix)
    assert np.std(here) > 0.5
    assert np.abs(here - there).mean() < 0.1 * np.std(here)
    assert np.corrcoef(here, there)[0, 1] > 0.99
    assert "127.0.0.1" not in made.text
    assert socket.gethostname() not in made.text
    again = write(tmp_path / "again", made, frame)
    assert (again.raw(frame) == there).all()
    assert isinstance(again.predict(pd.DataFrame(frame)), np.ndarray)
