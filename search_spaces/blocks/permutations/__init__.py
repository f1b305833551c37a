"""Permutations of channels: their algebra, and how they are applied by index."""
