"""The spaces: one file for each host network, with its settings and its sizes."""
