"""The record of how long a deployed network takes, and the conditions without which the number means nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nas.errors import unknown_name
from nas.values.json_fields import MalformedError, entry, mapping, number, sequence, shown, text, whole

FORMS = ("eager", "compiled", "onnx")
"""Ways to run a deployed network: by PyTorch as it is, compiled by torch.compile, or exported and run by ONNX Runtime."""
LEAST_NETWORKS = 30
"""With fewer measurements there is no predictor, since cross-validation would say nothing about its error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The conditions of a latency besides the network. Only latencies under equal conditions can be compared."""

    device: str
    """Name of the hardware, such as "AMD EPYC" or "NVIDIA H200"."""
    form: str
    """How the network is run: one of `FORMS`."""
    batch: int
    """Number of images in one forward."""
    image_shape: tuple[int, int, int]
    """Shape of an image, `(c, h, w)`."""
    threads: int
    """CPU threads that a forward may use."""
    precision: str = "fp32"
    """fp32, bf16 or fp16."""
    channels_last: bool = False
    """Whether activations and convolution weights have the memory layout channels last."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {**asdict(self), "image_shape": list(self.image_shape)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Conditions:
        """The conditions that `to_json` wrote.

        Raises:
            MalformedError: The data are not those of conditions.
        """
        data = mapping(data, "conditions")
        shape = sequence(entry(data, "image_shape", "conditions"), "image_shape")
        if len(shape) != 3:
            raise MalformedError(f"image_shape is {shown(shape)}; allowed: three integers")
        channels, height, width = (whole(side, "image_shape", 1) for side in shape)
        return cls(
            device=text(entry(data, "device", "conditions"), "device"),
            form=text(entry(data, "form", "conditions"), "form"),
            batch=whole(entry(data, "batch", "conditions"), "batch", 1),
            image_shape=(channels, height, width),
            threads=whole(entry(data, "threads", "conditions"), "threads"),
            precision=text(data.get("precision", "fp32"), "precision"),
            channels_last=data.get("channels_last") is True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Wall-clock times of one forward of a batch, over many runs.

    Raises:
        ValueError: A time is negative, NaN or infinite, or there was no run.
    """

    conditions: Conditions
    median: float
    """Median time in seconds."""
    spread: float
    """Interquartile range of the times, in seconds."""
    runs: int
    """Number of timed runs, after the warm-up."""
    warm_up_runs: int
    """Number of runs before the timed ones."""
    disturbed_by: str = ""
    """What else used the device during the measurement, where that was accepted; empty if nothing did."""

    def __post_init__(self) -> None:
        if not (0 < self.median < math.inf and 0 <= self.spread < math.inf and self.runs > 0):
            raise ValueError(
                f"a latency must be a finite time over at least one run, got median {self.median!r} s, "
                f"spread {self.spread!r} s, {self.runs} runs"
            )

    @property
    def milliseconds(self) -> float:
        """The median time in milliseconds."""
        return self.median * 1e3

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {**asdict(self), "conditions": self.conditions.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Latency:
        """The latency that `to_json` wrote.

        Raises:
            MalformedError: The data are not those of a latency.
        """
        data = mapping(data, "a latency")
        return cls(
            conditions=Conditions.from_json(entry(data, "conditions", "a latency")),
            median=number(entry(data, "median", "a latency"), "median", 0),
            spread=number(entry(data, "spread", "a latency"), "spread", 0),
            runs=whole(entry(data, "runs", "a latency"), "runs", 1),
            warm_up_runs=whole(entry(data, "warm_up_runs", "a latency"), "warm_up_runs"),
            disturbed_by=text(data.get("disturbed_by", ""), "disturbed_by"),
        )


@dataclass(frozen=True, kw_only=True)
class LatencySettings:
    """How latencies are measured, where --search.objectives or --search.limits asks for them."""

    form: str = "eager"
    """How the deployed network is run: eager (by PyTorch as it is), compiled (torch.compile) or onnx (ONNX Runtime on the CPU)."""
    networks: int = 100
    """Number of random networks measured at the start, from which the latency of others is predicted. Networks chosen for
    training are measured.
    """
    accept_disturbed: bool = False
    """Whether a latency counts although other programs used the device meanwhile; the report then says so. If not, the search
    ends.
    """


def latency_faults(settings: LatencySettings) -> list[str]:
    """In words, every setting that is out of range."""
    faults = []
    if settings.form not in FORMS:
        faults.append("--latency.form: " + unknown_name("form of a deployed network", settings.form, FORMS))
    if settings.networks < LEAST_NETWORKS:
        faults.append(f"--latency.networks: must be {LEAST_NETWORKS} or more, got {settings.networks}")
    return faults
