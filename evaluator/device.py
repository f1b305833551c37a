"""On which device and in which number format a training runs. Automatic choices depend on the kind of machine, never on timing.

Measured (`benchmarks/precision.py`) on one core of an AMD EPYC of the Zen 4 generation (AVX-512 BF16) with torch 2.13: training
steps of a ShuffleNetV2 with 32-64-128 channels, batch 128, 32x32, the stem and depthwise convolutions included, did

    fp32, channels_last   1232 images/s (1127 to 1270 over 5 rounds, another process on the second core)
    fp32, NCHW             650          ( 579 to  806)
    bf16, channels_last    484          ( 362 to  509)
    bf16, NCHW             452          ( 259 to  472)

so a CPU computes in fp32 and channels_last: depthwise convolutions, batch norms and the many casts between them take more time in
bf16 than the small matrix products save. On a GPU bf16 is taken where it is in hardware (compute capability 8.0 and later), and
channels_last with half precision on tensor cores (7.0 and later), as PyTorch's guide to memory formats says; neither was measured
for this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from evaluator.settings import PRECISIONS, TrainSettings
from nas.errors import SettingsError, unknown_name

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""The dtype of each precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How a training is computed."""

    device: torch.device
    precision: str
    """fp32, bf16 or fp16."""
    channels_last: bool

    @property
    def memory_format(self) -> torch.memory_format:
        """Memory format of activations and convolution weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def place(self, network: nn.Module) -> nn.Module:
        """Moves a network to the device, with its weights in the memory layout, and returns the same network."""
        return network.to(self.device, memory_format=self.memory_format)  # type: ignore[call-overload, no-any-return]

    def autocast(self) -> torch.autocast:
        """Context of a forward pass that casts to the precision; it does nothing in fp32."""
        enabled = self.precision != "fp32"
        dtype = DTYPES[self.precision] if enabled else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=enabled)

    def scaler(self) -> torch.amp.GradScaler:
        """Scaler of the loss, so that small gradients survive fp16; it does nothing in other precisions."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")


def resolve_device(name: str) -> torch.device:
    """The device behind `--device`.

    Args:
        name: auto (a GPU if there is one), cpu, or cuda.

    Raises:
        SettingsError: The name is unknown, or there is no GPU that torch can use.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"--device: {unknown_name('device', name, ('auto', 'cpu', 'cuda'))}")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingsError("--device is 'cuda', but torch finds no CUDA device here; allowed: auto, cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def resolve_execution(train: TrainSettings, device: torch.device) -> Execution:
    """Precision and memory layout on a device.

    Raises:
        SettingsError: The precision is unknown or the device does not have it.
    """
    if train.precision not in PRECISIONS:
        raise SettingsError(f"--train.precision: {unknown_name('precision', train.precision, PRECISIONS)}")
    precision = train.precision
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        if precision == "bf16" and capability < (8, 0):
            raise SettingsError(
                f"--train.precision is 'bf16', but {torch.cuda.get_device_name(device)} does not have it; allowed: "
                "auto, fp32, fp16"
            )
        if precision == "auto":
            precision = "bf16" if capability >= (8, 0) else "fp32"
        faster = precision != "fp32" and capability >= (7, 0)
    else:
        if precision == "fp16":
            raise SettingsError("--train.precision is 'fp16', which needs a GPU; allowed on a CPU: auto, fp32, bf16")
        if precision == "auto":
            precision = "fp32"
        faster = True
    channels_last = train.channels_last if train.channels_last is not None else faster
    return Execution(device=device, precision=precision, channels_last=channels_last)


def set_threads(train: TrainSettings) -> None:
    """Gives this process the number of CPU threads in the settings."""
    if torch.get_num_threads() != train.threads:
        torch.set_num_threads(train.threads)


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """A context in which torch uses so many CPU threads, and afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
