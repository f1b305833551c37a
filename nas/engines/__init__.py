"""Engines carry tasks to workers and outcomes back. They drive the driver and have no search logic of their own."""
