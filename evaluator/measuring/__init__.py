"""Measures networks and the machine: costs, scores, latency, memory, and whether the machine computes correctly."""
