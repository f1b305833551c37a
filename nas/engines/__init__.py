"""Engines: what carries tasks to workers and outcomes back. They drive the driver and own no logic of the search."""
