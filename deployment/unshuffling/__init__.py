"""Takes permutations of channels out of a network's graph, by choosing the orders in which channels are stored."""
