"""Training steps as CUDA graphs: the launches of a step's many small kernels are recorded once and then repeated together.

A graph repeats the same kernels on the same memory. So whatever changes from step to step is in tensors that are filled
before each repetition, and what is decided in Python, such as whether permutations are hard by now, must be as it was when
the graph was recorded. A period with equal decisions is a phase of the training, and each phase has its own graph.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluator.training.training_step import StepNumbers
from nas.values.exception_line import exception_line

WARM_STEPS = 3
"""Steps of a phase that are first launched kernel by kernel, as PyTorch's guide to CUDA graphs asks, so that nothing is
initialized while a graph is recorded.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The images of a step and their random choices of augmentation, on the device."""

    positions: Tensor
    """Positions within the training images, `int64[b]`."""
    choices: Tensor
    """Rows that the augmentation has drawn, `[b ...]`."""


class CapturedSteps:
    """The steps of one training. After the first steps of a phase, each step repeats the phase's graph.

    Args:
        run: A whole step, which returns the loss and must not read a value on the host.
        device: A CUDA device. On a CPU every step is run from the same tensors, without graphs.
    """

    def __init__(self, run: Callable[[Chosen, StepNumbers], Tensor], device: torch.device) -> None:
        self._run = run
        self._device = device
        self._numbers = StepNumbers(
            rate=torch.zeros((), device=device),
            penalty_weight=torch.zeros((), device=device),
            decay=torch.zeros((), device=device),
        )
        self._chosen: Chosen | None = None
        self._phase: Hashable = None
        self._steps = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._loss: Tensor | None = None
        self._may_capture = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def __call__(self, chosen: Chosen, numbers: StepNumbers, phase: Hashable) -> Tensor:
        """Runs one step and returns its loss, which the next step overwrites.

        Args:
            chosen: Images of the step, equally many at each step.
            numbers: The step's numbers, as plain Python numbers.
            phase: All that is decided in Python.
        """
        self._fill(chosen, numbers)
        if phase != self._phase:
            self._phase, self._steps, self._graph = phase, 0, None
        self._steps += 1
        if self._graph is None and self._may_capture and self._steps > WARM_STEPS:
            self._capture()
        if self._graph is not None:
            assert self._loss is not None
            self._graph.replay()
            return self._loss
        return self._launch()

    def _fill(self, chosen: Chosen, numbers: StepNumbers) -> None:
        if self._chosen is None:
            self._chosen = Chosen(positions=chosen.positions.clone(), choices=chosen.choices.clone())
        self._chosen.positions.copy_(chosen.positions)
        self._chosen.choices.copy_(chosen.choices)
        for name in ("rate", "penalty_weight", "decay"):
            getattr(self._numbers, name).fill_(getattr(numbers, name))

    def _launch(self) -> Tensor:
        """Runs the step kernel by kernel; on a GPU in the stream in which graphs are recorded, as a warm-up for it."""
        assert self._chosen is not None
        if self._stream is None:
            return self._run(self._chosen, self._numbers)
        usual = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            loss = self._run(self._chosen, self._numbers)
        usual.wait_stream(self._stream)
        return loss

    def _capture(self) -> None:
        """Records the step without running it. If that fails, this training goes on kernel by kernel."""
        assert self._chosen is not None
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads of the process may use the device meanwhile.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._loss = self._run(self._chosen, self._numbers)
        except RuntimeError as error:
            self._may_capture = False
            log.warning("the training step cannot be a CUDA graph and is launched in parts: %s", exception_line(error))
            return
        self._graph = graph
