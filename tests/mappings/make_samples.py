"""Makes the samples of `samples/`: small exports as the systems write them, with the oddities that they have.

`python -m tests.mappings.make_samples` writes them again; a test holds the files against this script. Everything is
made up: one company with a few dozen customers, seen until `NOW`.
"""

from __future__ import annotations

from pathlib import Path

from tests.mappings import crm_samples, event_samples, line_samples, stripe_sample
from tests.mappings.sample_files import Tables, write

FOLDER = Path(__file__).parent / "samples"


def samples() -> dict[str, Tables]:
    """The tables of every sample by shape and file name."""
    return {
        "stripe": stripe_sample.tables(),
        "hubspot": crm_samples.hubspot(),
        "salesforce": crm_samples.salesforce(),
        "billing": line_samples.billing(),
        "segment": event_samples.segment(),
        "posthog": event_samples.posthog(),
        "erp": line_samples.erp(),
    }


def write_samples(folder: Path) -> None:
    """Write every sample below a folder."""
    for name, tables in samples().items():
        write(folder / name, tables)


if __name__ == "__main__":
    write_samples(FOLDER)
