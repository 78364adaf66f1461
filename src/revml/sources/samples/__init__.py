"""Sample companies whose mechanism is known: contract tables as Parquet, and the truth behind them.

A latent process lives through the months (`world`), traces of it become tables (one module a subject), and the same
process continued many times from each month gives the true probabilities (`truth`). The same arguments give the same
bytes.
"""

from revml.sources.samples.generate import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_sample"]
