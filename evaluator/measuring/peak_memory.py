"""How much memory a forward of a deployed network holds at its peak.

On a GPU it is measured: the most that torch's allocator had given out, including workspaces of kernels and its rounding.
Elsewhere storages are followed: every storage that an operation makes counts from then until nothing refers to it any more.
This needs no clock and no quiet machine. Scratch memory within a single operation is not included; for six random networks
of the default space in channels_last on a CPU the number was torch's profiler's to the byte. On the meta device it takes a
tenth of a second, but copies between memory layouts are missed: three of those six came out right, the others up to a tenth
too low.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from evaluator.device import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakMemory:
    """Memory of one forward, in bytes."""

    weights: int
    """Bytes of parameters and buffers, each storage counted once."""
    images: int
    """Bytes of the input, which is held during the whole forward."""
    activations: int
    """Largest number of bytes that the forward itself held at one time."""

    @property
    def total(self) -> int:
        """Sum of weights, images and activations, in bytes."""
        return self.weights + self.images + self.activations


def peak_memory(
    network: nn.Module, image_shape: tuple[int, int, int], *, batch: int, execution: Execution
) -> PeakMemory:
    """Peak of one eager forward in evaluation mode.

    Args:
        network: A network in its deployed form (`search_spaces.compact`), which is moved to the device.
        image_shape: `(c, h, w)` of an image.
        batch: Number of images in one forward.
        execution: Device (cpu, cuda or meta), precision and memory layout.
    """
    network = execution.place(network).eval()
    images = torch.zeros((batch, *image_shape), device=execution.device).to(memory_format=execution.memory_format)
    # Autocast is not known to the meta device, and does nothing in fp32.
    with torch.inference_mode(), nullcontext() if execution.precision == "fp32" else execution.autocast():
        measured = _on_gpu if execution.device.type == "cuda" else _followed
        activations = measured(network, images)
    return PeakMemory(
        weights=storage_bytes([*network.parameters(), *network.buffers()]),
        images=storage_bytes([images]),
        activations=activations,
    )


def storage_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the storages behind tensors, each counted once."""
    storages = {id(storage): storage for storage in (tensor.untyped_storage() for tensor in tensors)}
    return sum(storage.nbytes() for storage in storages.values())


def _on_gpu(network: nn.Module, images: Tensor) -> int:
    network(images)  # the first forward of a shape tries kernels, with workspaces that later ones do not need
    torch.cuda.synchronize(images.device)
    torch.cuda.reset_peak_memory_stats(images.device)
    before = torch.cuda.memory_allocated(images.device)
    network(images)
    torch.cuda.synchronize(images.device)
    return int(torch.cuda.max_memory_allocated(images.device) - before)


def _followed(network: nn.Module, images: Tensor) -> int:
    with Following([*network.parameters(), *network.buffers(), images]) as following:
        network(images)
    return int(following.peak)


class Following(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, adds up the storages that operations make, and subtracts those that are freed."""

    def __init__(self, there: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak: int = 0
        self._held = 0
        self._seen = {id(storage): weakref.ref(storage) for storage in (tensor.untyped_storage() for tensor in there)}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._enter(leaf)
        self.peak = max(self.peak, self._held)
        return result

    def _enter(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = id(storage), storage.nbytes()
        known = self._seen.get(key)
        if known is not None and known() is storage:
            return

        def leave(_: Any) -> None:
            self._held -= size
            self._seen.pop(key, None)

        self._seen[key] = weakref.ref(storage, leave)
        self._held += size
