"""A sampler that knows the costs of candidates and models only what must be learned; see `sampler.KnownCostSampler`."""

from nas.samplers.known_cost.sampler import KnownCostSampler

__all__ = ["KnownCostSampler"]
