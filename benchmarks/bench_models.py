"""The figures of models: what they cost, how near they come to the truth, beside their peers, and where none may pass.

    python benchmarks/bench_models.py                 all parts; QUICK=1: cost, worlds and gates, small ones
    python benchmarks/bench_models.py worlds          against the truth and a plain LightGBM, ten seeds a kind
    python benchmarks/bench_models.py curve           100 to 10,000 accounts, with a picture
    python benchmarks/bench_models.py peers telco     AutoGluon and FLAML on the same tables
    python benchmarks/bench_models.py gates           noise is refused, a planted leak is found
    python benchmarks/bench_models.py cost            training, prediction, contributions against LightGBM and shap
    python benchmarks/bench_models.py explaining      exact contributions against LightGBM's and shap's

`--keep FILE` writes what was measured to a file, a line each, and goes on from there: for parts that take an hour.
`--kinds saas --seeds 301-305 --accounts 1000` ask for less, `--questions churn lapse` of `peers`. A run goes on from
what earlier ones kept, so a world at a time can be run, and the last run prints all of them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from explaining import explaining
from figures import QUICK, Figures
from model_cost import cost
from model_curve import curve
from model_gates import gates
from model_peers import peers, telco
from model_worlds import ACCOUNTS, KINDS, SEEDS, Asked, worlds
from records import Records

from revml.evaluation.truth import COLUMNS

PARTS = ("cost", "explaining", "worlds", "gates", "curve", "peers", "telco")
QUICK_PARTS = PARTS[:4]  # the others where they are named


def main() -> None:
    """Print the figures of the parts that are asked for."""
    told = _arguments()
    figures, records = Figures(), Records(told.keep)
    default = Asked()
    asked = Asked(told.kinds or default.kinds, told.seeds, told.accounts, told.questions or default.questions)
    run = {
        "cost": lambda: cost(figures),
        "explaining": lambda: explaining(figures),
        "worlds": lambda: worlds(figures, records, asked),
        "curve": lambda: curve(records, asked),
        "peers": lambda: peers(figures, records, asked),
        "telco": lambda: telco(figures, records),
        "gates": lambda: gates(figures, records),
    }
    for part in told.parts or (QUICK_PARTS if QUICK else PARTS):
        print(f"{part}:", flush=True)
        began, clock = time.process_time(), time.perf_counter()
        run[part]()
        spent, took = time.process_time() - began, time.perf_counter() - clock
        print(f"  {part} took {took:.0f} s, {spent:.0f} CPU s of this process", flush=True)
    figures.end()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The figures of models.")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS)
    parser.add_argument("--seeds", type=_seeds, default=tuple(SEEDS), help="301-310, or 301,305")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--questions", nargs="+", choices=tuple(COLUMNS))
    parser.add_argument("--keep", type=Path, metavar="FILE")
    return parser.parse_args()


def _seeds(told: str) -> tuple[int, ...]:
    first, dash, last = told.partition("-")
    return tuple(range(int(first), int(last) + 1)) if dash else tuple(int(one) for one in told.split(","))


if __name__ == "__main__":
    main()
