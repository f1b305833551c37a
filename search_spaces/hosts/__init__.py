"""The unchanged ShuffleNets; each unit has a `mixer` that a space may replace."""
