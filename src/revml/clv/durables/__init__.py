"""Machines in service: how long they live, what replaces them, and the flows that follow."""
