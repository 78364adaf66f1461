"""Repeat orders: purchase processes, two-stage models, the choice between them, and the flows that follow."""
