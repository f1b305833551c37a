"""The deployed forms of learned parts of a network."""
