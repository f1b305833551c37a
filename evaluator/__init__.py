"""Trains and measures a network it is handed.

Modules by what they need: `cores`, `settings` and `sources` import the standard library alone, `data` numpy as well, `cost`,
`trainer`, `worker`, `device` and `probe` torch. Nothing here knows a search space or a sampler.
"""
