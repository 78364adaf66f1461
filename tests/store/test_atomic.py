"""Readers see the old run or the new one, never half: killed publishers and readers at work, on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from revml.store import Store, read
from tests.literal_runs import made_run

PUBLISH = """
import sys
from revml.store import Store, database, read
from tests.literal_runs import made_run
database.CACHE_MIB = 4  # so that rows are on disk long before they are all there
run = made_run("2026-03-01", 20_000, shift=0.4)
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
store.publish(run)
print("published", flush=True)
"""
ACCOUNTS = 300


def publisher(url: str) -> subprocess.Popen[str]:
    """A process that has a large run ready to publish."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    """Let it publish."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.slow
def test_a_killed_publish_leaves_the_run_before(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing: the old run is current, whole, and the next publish works."""
    database = tmp_path / "scores.db"
    url = f"sqlite:///{database}"
    with Store.open(url) as store:
        first = store.publish(made_run("2026-02-01", ACCOUNTS, shift=0.2))
        process = publisher(url)
        log = Path(f"{database}-wal")
        before = log.stat().st_size
        go(process)
        while log.stat().st_size < before + 1_000_000:  # rows of the new run are on disk
            assert process.poll() is None, "published before it could be killed"
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with Store.open(url) as store:
        run = store.current()
        assert run is not None
        assert run.id == first
        assert [r.id for r in store.runs()] == [first]
        assert store.accounts("churn").total == ACCOUNTS
        store.publish(made_run("2026-03-01", ACCOUNTS, shift=0.3))
        assert store.accounts("churn").rows[0].score.previous_probability == 0.2


@pytest.mark.slow
def test_a_reader_beside_a_publish_sees_whole_runs(tmp_path: Path) -> None:
    """Every page, total and account read during a publish belongs to one run: all old or all new figures."""
    url = f"sqlite:///{tmp_path / 'scores.db'}"
    with Store.open(url) as store:
        store.publish(made_run("2026-02-01", ACCOUNTS, shift=0.2))
        process = publisher(url)
        seen: set[tuple[float, int, int]] = set()
        mixed: list[object] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                page = store.accounts("churn", limit=50)
                probabilities = {row.score.probability for row in page.rows}
                totals = store.totals()
                churn = totals.questions[0]
                if len(probabilities) != 1 or churn.accounts != totals.accounts:
                    mixed.append((probabilities, totals))
                seen.add((probabilities.pop(), page.total, page.run.accounts))

        reader = threading.Thread(target=read)
        reader.start()
        go(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "published\n"
        time.sleep(0.3)
        done.set()
        reader.join()
        process.wait()
    assert not mixed
    assert seen == {(0.2, ACCOUNTS, ACCOUNTS), (0.4, 20_000, 20_000)}


def test_an_open_reading_keeps_its_state(store_url: str) -> None:
    """Two selects of one reading see the same run although another was published between them."""
    with Store.open(store_url, keep=1) as store:
        store.publish(made_run("2026-02-01", 10, shift=0.2))
        with store.database.reading() as connection:
            run = read.run_info(connection)
            assert run is not None
            store.publish(made_run("2026-03-01", 10, shift=0.4))
            assert {s.probability for s in read.detail(connection, run, "a000001").scores} == {0.2}
        assert {s.probability for s in store.account("a000001").scores} == {0.4}


def test_two_publishers_queue(store_url: str) -> None:
    """Publishing from several threads at once gives one run each, and the newest number is current."""
    with Store.open(store_url) as store:
        made: list[int] = []
        threads = [
            threading.Thread(target=lambda m=m: made.append(store.publish(made_run(f"2026-0{m}-01", 200))))
            for m in (1, 2, 3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run = store.current()
        assert run is not None
        assert sorted(made) == [r.id for r in store.runs()][::-1]
        assert run.id == max(made)
