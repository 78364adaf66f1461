"""Sample companies made once a test run, as frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
import pyarrow.parquet as pq

from revml.contract.tables import TABLES
from revml.sources.samples import write_sample
from revml.sources.samples.kinds import KindName

MONTHS = 36
SEED = 7
ACCOUNTS: dict[KindName, int] = {"saas": 900, "machinery": 500, "manufacturing": 700}


@dataclass(frozen=True)
class Sample:
    """A written sample company."""

    kind: KindName
    folder: Path

    def table(self, name: str) -> pd.DataFrame:
        """One table, contract or truth."""
        place = self.folder if name in TABLES else self.folder / "truth"
        return pq.read_table(place / f"{name}.parquet").to_pandas()

    @property
    def tables(self) -> list[str]:
        """Contract tables that were written."""
        return [name for name in TABLES if (self.folder / f"{name}.parquet").exists()]


@cache
def sample(kind: KindName) -> Sample:
    """The sample company of a kind, made when it is first asked for."""
    folder = Path(mkdtemp(prefix="revml-sample-"))
    write_sample(folder, kind=kind, accounts=ACCOUNTS[kind], months=MONTHS, seed=SEED, events=120_000)
    return Sample(kind, folder)
