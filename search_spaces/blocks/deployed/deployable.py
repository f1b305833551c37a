"""The protocol of modules that have a deployed form of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn


class Deployable(ABC):
    """A module that has a leaner form with the same evaluation outputs, by which `search_spaces.compact` replaces it."""

    @abstractmethod
    def deployed(self) -> nn.Module:
        """The module that a trained network needs: without norms and logits, and independent of `training`.

        It may share tensors with this module, and is made from their present values. Its submodules and buffers depend on
        sizes only, not on values, so that the state of one loads into another.
        """
