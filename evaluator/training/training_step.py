"""One step of a training: forward, backward, optimizer, averaged weights. The probes of time and memory run the same step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.training.averaging import AveragedNetwork
from evaluator.training.losses import BatchLoss
from evaluator.training.optim import make_optimizer, set_rate
from evaluator.training.penalties import Penalties

LARGEST_NORM = 1.0
"""Gradients are clipped to this norm. Without it, short trainings collapse at learning rates that the spaces search. Validation
accuracy of a ShuffleNetV2 of 32-64-128 channels after 2 epochs of 6,720 CIFAR-10 images, mean of two seeds, at rates 0.1,
0.3 and 0.5: not clipped 37, 23 and 10%; clipped to 2: 39, 39 and 30%; clipped to 1: 35, 42 and 38%.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNumbers:
    """What a step's place in the training decides: numbers, or scalars `float32[]` on the device."""

    rate: float | Tensor
    """The learning rate."""
    penalty_weight: float | Tensor
    """Weight of the learned shuffles' penalty."""
    decay: float | Tensor
    """Decay of the averaged weights."""


class TrainingStep:
    """A network with everything that a step changes.

    Args:
        model: An untrained network, which is moved to the device.
        execution: Device, precision and layout.
        loss: The loss that is minimized, together with the penalties of the network's parts.
        momentum: Momentum of the optimizer.
        weight_decay: Decay of the weights.
        parts: Number of parts in which a batch goes through the network, one after the other.
    """

    def __init__(
        self,
        model: nn.Module,
        execution: Execution,
        loss: BatchLoss,
        *,
        momentum: float,
        weight_decay: float,
        parts: int = 1,
    ) -> None:
        self.model = execution.place(model)
        self.averaged = AveragedNetwork(self.model)
        self.optimizer = make_optimizer(self.model, momentum=momentum, weight_decay=weight_decay)
        self.scaler = execution.scaler()
        self.penalties = Penalties(self.model)
        self._execution = execution
        self._loss = loss
        self._parts = parts

    def __call__(self, pixels: Tensor, labels: Tensor, numbers: StepNumbers) -> Tensor:
        """Runs the step, and returns the loss, which is still on the device.

        Args:
            pixels: Normalized images `float[b c h w]`, on the device.
            labels: Their labels `int64[b]`, on the device.
            numbers: The numbers of this step.
        """
        set_rate(self.optimizer, numbers.rate)
        self.optimizer.zero_grad(set_to_none=True)
        weight = numbers.penalty_weight
        if self._parts == 1:
            loss = self._backward(pixels, labels, weight, 1.0)
        else:
            pairs = zip(pixels.chunk(self._parts), labels.chunk(self._parts), strict=True)
            loss = torch.stack([self._backward(*pair, weight, len(pair[1]) / len(labels)) for pair in pairs]).sum()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_NORM, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.averaged.update(numbers.decay)
        return loss

    def _backward(self, pixels: Tensor, labels: Tensor, weight: float | Tensor, share: float) -> Tensor:
        """Adds the gradients of a part of the batch to the existing ones, and returns its share of the loss."""
        with self._execution.autocast():
            loss = self.penalties.added_to(self._loss(self.model, pixels, labels), weight)
            if share < 1:
                loss = loss * share
        torch.autograd.backward(self.scaler.scale(loss))
        return loss.detach()

    def lasting(self) -> list[Tensor]:
        """The tensors that stay from step to step: weights, averages, the optimizer's state."""
        networks = (self.model, self.averaged.network)
        kept = [value for state in self.optimizer.state.values() for value in state.values()]
        return [
            *(tensor for network in networks for tensor in (*network.parameters(), *network.buffers())),
            *(value for value in kept if isinstance(value, Tensor)),
        ]

    def changing(self) -> dict[str, nn.Module | torch.optim.Optimizer | torch.amp.GradScaler]:
        """Everything that a step changes, by its name in a checkpoint."""
        return {
            "model": self.model,
            "averaged": self.averaged.network,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
        }
