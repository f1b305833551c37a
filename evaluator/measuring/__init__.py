"""What is measured of a network and of the machine: costs, scores, latency, memory, and whether the machine computes rightly."""
