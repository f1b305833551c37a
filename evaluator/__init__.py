"""Trains and measures a network it is handed.

`cores`, `settings` and `sources` import only the standard library, `data` also numpy, and `cost`, `trainer`, `worker`,
`device` and `probe` also torch. Nothing in this package knows a search space or a sampler.
"""
