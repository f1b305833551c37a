"""A sampler that knows what candidates cost and models only what must be learned; see `sampler.KnownCostSampler`."""

from nas.samplers.known_cost.sampler import KnownCostSampler

__all__ = ["KnownCostSampler"]
