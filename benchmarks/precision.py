"""Images per second of training steps, by number format and memory layout, on this machine.

It is the basis of the choice in `evaluator/device.py`. The network is like a ShuffleNetV2: 1x1 convolutions, 3x3 depthwise
convolutions and batch norms, 32-64-128 channels, 2-4-2 units. The arms take turns, so that a change in the machine's load
affects all of them.

    python benchmarks/precision.py [--rounds 5] [--batch 128] [--pixels 32] [--device cpu]
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace

import torch
from torch import nn

from evaluator.device import resolve_device, resolve_execution
from evaluator.machine import this_machine
from evaluator.settings import TrainSettings
from evaluator.training.probe import step_seconds

CHANNELS = (32, 64, 128)
UNITS = (2, 4, 2)
STEM = 24
CLASSES = 10


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, relu: bool) -> list[nn.Module]:
    """A convolution, its norm, and a rectifier if asked for."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return [*layers, nn.ReLU(inplace=True)] if relu else layers


class Unit(nn.Module):
    """A unit of ShuffleNetV2: half of the channels pass, or with stride 2 both branches see all of them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        half = outputs // 2
        seen = inputs if stride == 2 else half
        self.passed = (
            nn.Sequential(*conv(inputs, inputs, 3, 2, inputs, relu=False), *conv(inputs, half, 1, relu=True))
            if stride == 2
            else None
        )
        self.branch = nn.Sequential(
            *conv(seen, half, 1, relu=True),
            *conv(half, half, 3, stride, half, relu=False),
            *conv(half, half, 1, relu=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs for inputs `n c h w`."""
        if self.passed is not None:
            halves = [self.passed(x), self.branch(x)]
        else:
            passed, seen = x.chunk(2, dim=1)
            halves = [passed, self.branch(seen)]
        return torch.channel_shuffle(torch.cat(halves, dim=1), 2)


def network() -> nn.Sequential:
    """A small ShuffleNetV2."""
    layers, width = conv(3, STEM, 3, relu=True), STEM
    for channels, units in zip(CHANNELS, UNITS, strict=True):
        for unit in range(units):
            layers.append(Unit(width, channels, 2 if unit == 0 else 1))
            width = channels
    layers += [*conv(width, 128, 1, relu=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, CLASSES)]
    return nn.Sequential(*layers)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description="Training speed by number format and memory layout.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each arm is measured (default 5)")
    parser.add_argument("--batch", type=int, default=128, help="images a step (default 128)")
    parser.add_argument("--pixels", type=int, default=32, help="side length of the images (default 32)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    options = parser.parse_args()
    precisions = ("fp32", "bf16", "fp16") if options.device == "cuda" else ("fp32", "bf16")
    arms = [(precision, layout) for precision in precisions for layout in (True, False)]
    rates: dict[tuple[str, bool], list[float]] = {arm: [] for arm in arms}
    shape = (options.batch, 3, options.pixels, options.pixels)
    for _ in range(options.rounds):
        for precision, channels_last in arms:
            train = TrainSettings(batch_size=options.batch, precision=precision, channels_last=channels_last)
            torch.manual_seed(0)
            seconds = step_seconds(network(), shape, CLASSES, train, options.device)
            rates[precision, channels_last].append(options.batch / seconds)
    train = TrainSettings()
    machine = this_machine(train.threads, resolve_execution(train, resolve_device(options.device)))
    print(replace(machine, precision="", channels_last=None))
    print(
        f"batch {options.batch}, {options.pixels} pixels; images/s, median (least to most) of {options.rounds} rounds"
    )
    for (precision, channels_last), values in rates.items():
        layout = "channels_last" if channels_last else "NCHW"
        print(f"{precision}  {layout:13}  {statistics.median(values):6.0f}  ({min(values):.0f} to {max(values):.0f})")


if __name__ == "__main__":
    main()
