"""The stages of a host network: the decisions on a stage, what they build into it, and how that is built."""
