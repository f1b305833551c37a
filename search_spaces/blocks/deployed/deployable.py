"""What a module says of its deployed form."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn


class Deployable(ABC):
    """A module that knows a leaner one with the same evaluation outputs; `search_spaces.compact` puts that in its place."""

    @abstractmethod
    def deployed(self) -> nn.Module:
        """The module that a trained network needs: no norms, no logits, nothing that depends on `training`.

        It may share tensors with this one, and it is made of the values they have now. What submodules and buffers it has follows
        from the sizes alone, not from the values, so that the state of one loads into another.
        """
