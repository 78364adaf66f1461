"""How fast repeat orders are fitted and forecast, against `lifetimes` 0.11.3 in its own environment; numbers equal.

A part of `bench_clv.py`.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np
from companies import SEED
from figures import QUICK, Figures
from peers.environment import python_with

from revml.clv.orders.fitting import ParetoNbd, Process, fit_process
from revml.clv.orders.processes.quadrature import beta_rule
from revml.clv.orders.spend import fit_spend

BUYERS, PARETO_BUYERS = (10_000, 1_500) if QUICK else (100_000, 23_570)
AHEAD_WEEKS = 26.0
RUNS = 3
PEER = Path(__file__).parent / "peers" / "lifetimes_orders.py"


def order_figures(figures: Figures, folder: Path) -> None:
    """BG/NBD with Gamma-Gamma, and Pareto/NBD; nothing where the peer cannot be installed."""
    python = python_with("lifetimes==0.11.3")
    if python is not None:
        _orders(figures, folder, python)
        _pareto(figures, folder, python)


def simulated_buyers() -> dict[str, np.ndarray]:
    """Buyers who live by BG/NBD and Gamma-Gamma, seen for up to two years: x, t_x, T in weeks, purchases, spend."""
    rng = np.random.default_rng(SEED)
    whole = rng.integers(180, 730, BUYERS) / 7
    rate, leaves = rng.gamma(0.6, 1 / 7, BUYERS), rng.beta(0.8, 2.5, BUYERS)
    x, t_x, now = np.zeros(BUYERS), np.zeros(BUYERS), np.zeros(BUYERS)
    alive = np.ones(BUYERS, dtype=bool)
    while alive.any():
        now = np.where(alive, now + rng.exponential(1 / rate), now)
        alive &= now < whole
        x, t_x = x + alive, np.where(alive, np.ceil(now * 7) / 7, t_x)
        alive &= rng.random(BUYERS) >= leaves
    n = x + 1
    scale = rng.gamma(4.0, 1 / 60, BUYERS)
    spend = rng.gamma(6.0 * n, 1 / (scale * n))
    return {"x": x, "t_x": np.minimum(t_x, whole), "T": whole, "purchases": n, "spend": spend}


def living_buyers() -> dict[str, np.ndarray]:
    """Buyers of the size of CDNOW (1997) who live by Pareto/NBD, seen for 27 to 39 weeks: x, t_x, T."""
    rng, n = np.random.default_rng(SEED), PARETO_BUYERS
    whole = rng.integers(27 * 7, 39 * 7, n) / 7
    rate, stop = rng.gamma(0.55, 1 / 10.6, n), rng.gamma(0.61, 1 / 11.7, n)
    life = np.minimum(rng.exponential(1 / stop), whole)
    x = rng.poisson(rate * life)
    last = np.where(x > 0, life * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    return {"x": x.astype(float), "t_x": np.minimum(np.ceil(last * 7) / 7, whole), "T": whole}


def _peer(python: Path, model: str, folder: Path) -> dict[str, np.ndarray]:
    subprocess.run([str(python), str(PEER), model, str(folder / "buyers.npz"), str(folder / "peer.npz")], check=True)
    return dict(np.load(folder / "peer.npz"))


def _orders(figures: Figures, folder: Path, python: Path) -> None:
    buyers = simulated_buyers()
    np.savez(folder / "buyers.npz", **buyers, weeks=AHEAD_WEEKS)
    x, t_x, T, purchases, spend = (buyers[name] for name in ("x", "t_x", "T", "purchases", "spend"))
    within, weeks = np.zeros(BUYERS), np.array([AHEAD_WEEKS])
    mine, theirs = [], []
    for _ in range(RUNS):
        beta_rule.cache_clear()
        started = time.perf_counter()
        process = fit_process(x, t_x, T, process=Process.BG_NBD)
        money = fit_spend(purchases, spend, within)
        fitted = time.perf_counter()
        expected, worth = process.expected_orders(x, t_x, T, weeks)[:, 0], money.expected(purchases, spend)
        mine.append((fitted - started, time.perf_counter() - fitted))
        peer = _peer(python, "bg", folder)
        theirs.append(peer["seconds"])
    np.testing.assert_allclose([process.r, process.alpha, process.a, process.b], peer["orders"], rtol=0.02)
    np.testing.assert_allclose([money.p, money.q, money.v], peer["money"], rtol=0.02)
    np.testing.assert_allclose(expected, peer["expected"], rtol=0.01, atol=1e-4)
    np.testing.assert_allclose(worth, peer["worth"], rtol=0.01)
    fast, slow = np.median(mine, axis=0), np.median(theirs, axis=0)
    print(
        f"  {BUYERS:,} buyers: fit {fast[0]:.2f} s against {slow[0]:.2f} s, predict {fast[1]:.2f} s against "
        f"{slow[1]:.2f} s; parameters within 2 %, expectations within 1 %",
        flush=True,
    )
    ratio = slow.sum() / fast.sum()
    figures.at_least(f"lifetimes / revml: BG/NBD and spend, fit + predict, {BUYERS:,}", ratio, 2 if QUICK else 4)


def _pareto(figures: Figures, folder: Path, python: Path) -> None:
    buyers = living_buyers()
    np.savez(folder / "buyers.npz", **buyers, weeks=AHEAD_WEEKS)
    x, t_x, T = buyers["x"], buyers["t_x"], buyers["T"]
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        process: ParetoNbd = fit_process(x, t_x, T, process=Process.PARETO_NBD)
        expected = process.expected_orders(x, t_x, T, np.array([AHEAD_WEEKS]))[:, 0]
        alive = process.p_alive(x, t_x, T)
        taken.append(time.perf_counter() - started)
    # one turn, because the peer takes minutes
    peer = _peer(python, "pareto", folder)
    np.testing.assert_allclose([process.r, process.alpha, process.s, process.beta], peer["orders"], rtol=0.02)
    np.testing.assert_allclose(expected, peer["expected"], rtol=0.02, atol=1e-4)
    np.testing.assert_allclose(alive, peer["alive"], rtol=0.02, atol=1e-4)
    fast, slow = float(np.median(taken)), float(peer["seconds"].sum())
    print(f"  {PARETO_BUYERS:,} buyers: {fast:.2f} s against {slow:.1f} s; all numbers within 2 %", flush=True)
    figures.at_least(
        f"lifetimes / revml: Pareto/NBD, fit + predict, {PARETO_BUYERS:,}", slow / fast, 5 if QUICK else 10
    )
