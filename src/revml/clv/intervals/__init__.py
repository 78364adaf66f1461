"""Intervals: simulated flows, corrected by how such intervals held at earlier origins."""
