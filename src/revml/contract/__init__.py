"""The data contract: which tables revml reads, what their columns mean, and what makes a row unacceptable."""
