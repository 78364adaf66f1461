"""Contracts: who is lost when, how the MRR of survivors moves, and the flows that follow."""
