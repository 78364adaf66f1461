"""Metrics: cheap, bounded, added up over workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from revml.service.metrics import Metrics


def value(metrics: Metrics, line: str) -> float:
    """The value of a line."""
    found = [text for text in metrics.text().decode().splitlines() if text.startswith(f"{line} ")]
    assert len(found) == 1, metrics.text().decode()
    return float(found[0].rpartition(" ")[2])


def test_scores_are_counted_by_tenths() -> None:
    """One row, many rows, and a probability of one, which belongs to the last tenth."""
    metrics = Metrics()
    metrics.scored("churn", "3", 1, [0.35])
    metrics.scored("churn", "3", 4, [0.31, 0.0, 1.0, 0.999])
    assert value(metrics, 'revml_scored_rows_total{question="churn",version="3"}') == 5
    assert value(metrics, 'revml_scores_total{from="0.3",question="churn"}') == 2
    assert value(metrics, 'revml_scores_total{from="0.9",question="churn"}') == 2
    assert value(metrics, 'revml_scores_total{from="0.0",question="churn"}') == 1


def test_what_serves_is_one_and_what_did_is_none() -> None:
    """A change is counted, and only the new model is 1."""
    metrics = Metrics()
    metrics.serves("churn", "3", "aaaa")
    metrics.serves("churn", "4", "bbbb", ("3", "aaaa"))
    assert value(metrics, 'revml_model_info{bundle="bbbb",question="churn",version="4"}') == 1
    assert value(metrics, 'revml_model_info{bundle="aaaa",question="churn",version="3"}') == 0
    assert value(metrics, 'revml_model_changes_total{question="churn"}') == 1


def test_what_is_degraded_is_one_until_it_works_again() -> None:
    """Words that no longer hold go back to 0."""
    metrics = Metrics()
    metrics.degraded(["store-away", "scores-stale"])
    metrics.degraded(["scores-stale"])
    assert value(metrics, 'revml_degraded{reason="store-away"}') == 0
    assert value(metrics, 'revml_degraded{reason="scores-stale"}') == 1


def test_counting_takes_microseconds() -> None:
    """The best of many rounds of what a request with one row counts: far below a tenth of its time."""
    metrics = Metrics()
    best = float("inf")
    for _ in range(50):
        started = time.perf_counter()
        for _ in range(100):
            metrics.answered("/v1/score", "POST", 200, 0.0004)
            metrics.scored("churn", "3", 1, [0.3])
            metrics.joined(1)
        best = min(best, (time.perf_counter() - started) / 100)
    assert best < 40e-6


def test_workers_add_up(tmp_path: Path) -> None:
    """Two processes count into one folder; a gauge of a process that ended goes with it."""
    code = (
        "from revml.service.metrics import Metrics\n"
        "metrics = Metrics()\n"
        "metrics.scored('churn', '3', 2, [0.1, 0.2])\n"
        "metrics.degraded(['store-away'])\n"
        "if __import__('sys').argv[1] == 'end': metrics.close()\n"
        "else: print(metrics.text().decode())\n"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run = [sys.executable, "-c", code]
    subprocess.run([*run, "end"], env=environment, check=True)
    told = subprocess.run([*run, "tell"], env=environment, check=True, capture_output=True, text=True).stdout
    assert 'revml_scored_rows_total{question="churn",version="3"} 4.0' in told
    assert 'revml_degraded{reason="store-away"} 1.0' in told
