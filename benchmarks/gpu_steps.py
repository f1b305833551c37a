"""Training steps on a GPU: as CUDA graphs and kernel by kernel, several trainings at the same time, and a DataLoader loop.

    python -m benchmarks.gpu_steps [--arms fixed,dynamic] [--size 32] [--batch 128] [--processes 1,2,4,8] [--seconds 3]

Images are random. Each line is JSON: images per second of all trainings together, and the ratio to the compared value.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks.ablation.arms import ARMS, Images, build
from benchmarks.ablation.settings import AblationSettings
from benchmarks.command import command
from evaluator.device import resolve_device, resolve_execution
from evaluator.images.augmentation import Normalization, PaddedCrop
from evaluator.images.batches import BatchSource
from evaluator.images.data import ImageSet
from evaluator.machine import this_machine
from evaluator.settings import TrainSettings
from evaluator.training.captured_step import Chosen
from evaluator.training.losses import CrossEntropy
from evaluator.training.recipe import Recipe
from evaluator.training.trainer import Training, TrainingData
from nas.errors import SettingsError

IMAGES = 50_000
WARM_STEPS = 12
"""Steps before the clock starts, after which a step on a GPU is a graph."""


def made_up(size: int, images: int = IMAGES) -> ImageSet:
    """Random pixels, `uint8[n h w 3]`, and labels of ten classes."""
    drawn = np.random.default_rng(0)
    pixels = drawn.integers(0, 256, (images, size, size, 3), dtype=np.uint8)
    return ImageSet(images=pixels, labels=drawn.integers(0, 10, images), rows=np.arange(images))


def training_of(arm: str, options: argparse.Namespace, graphs: bool) -> Training:
    """A training of the ablation's network with this arm."""
    settings = TrainSettings(batch_size=options.batch, label_smoothing=0.0, graphs=graphs)
    execution = resolve_execution(settings, resolve_device(options.device))
    summary: Any = SimpleNamespace(mean=(0.5,) * 3, std=(0.25,) * 3)
    part = BatchSource(made_up(options.size, options.images), execution.device)
    data = TrainingData(
        train=part,
        validation=part,
        augment=PaddedCrop(padding=options.size // 8, flip=True),
        normalize=Normalization(summary, execution.device, execution.memory_format),
    )
    recipe = Recipe(settings=settings, epochs=1, seed=0, lr=0.1, weight_decay=5e-4, orth_weight=0.1)
    torch.manual_seed(0)
    network = build(arm, AblationSettings(), Images(size=options.size, channels=3, classes=10))
    return Training(network, data, recipe, execution, CrossEntropy(recipe.settings.label_smoothing))


def steps_of(training: Training, options: argparse.Namespace) -> Iterator[None]:
    """Endless steps, each on other images, in the last phase of a training."""
    device = training._execution.device
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(options.images, generator=generator)
    choices = training._data.augment.draw(options.images, generator).to(device)
    if training._data.train.is_resident:
        order = order.to(device)
    training.model.train()
    batches = options.images // options.batch
    for step in count():
        part = slice(step % batches * options.batch, (step % batches + 1) * options.batch)
        training._step(Chosen(positions=order[part], choices=choices[part]), 9_000, 10_000)
        yield


def finish(device: str) -> None:
    """Waits until everything that was launched has ended."""
    if device != "cpu" and torch.cuda.is_available():
        torch.cuda.synchronize()


def rate_of(steps: Iterator[Any], options: argparse.Namespace) -> float:
    """Images per second of steps, by the clock of the host."""
    for _ in range(WARM_STEPS if options.device != "cpu" else 1):
        next(steps)
    finish(options.device)
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < options.seconds:
        for _ in range(8):
            next(steps)
            done += 1
        finish(options.device)
    return float(done * options.batch / (time.perf_counter() - begin))


def _beside(arm: str, options: argparse.Namespace, barrier: Any, rates: Any) -> None:
    torch.set_num_threads(1)
    steps = steps_of(training_of(arm, options, graphs=True), options)
    for _ in range(WARM_STEPS):
        next(steps)
    finish(options.device)
    barrier.wait(timeout=120)
    rates.put(rate_of(steps, options))


def packed(arm: str, options: argparse.Namespace, processes: int) -> float:
    """Images per second of all processes together, each with a training of its own."""
    context = multiprocessing.get_context("spawn")
    barrier, rates = context.Barrier(processes), context.Queue()
    started = [context.Process(target=_beside, args=(arm, options, barrier, rates)) for _ in range(processes)]
    for process in started:
        process.start()
    total = sum(rates.get(timeout=180) for _ in started)
    for process in started:
        process.join()
    return float(total)


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """A dataset for a usual loop: one image at a time, padded, cropped and mirrored on the CPU."""

    def __init__(self, size: int, images: int) -> None:
        self._set, self._size = made_up(size, images), size

    def __len__(self) -> int:
        return len(self._set)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """One augmented, normalized image `float[3 h w]`, and its label."""
        edge = self._size // 8
        image = torch.from_numpy(self._set.images[index]).permute(2, 0, 1).float().div_(127.5).sub_(1)
        top, left = torch.randint(0, 2 * edge + 1, (2,)).tolist()
        image = F.pad(image, (edge,) * 4)[:, top : top + self._size, left : left + self._size]
        return (image.flip(-1) if torch.rand(()) < 0.5 else image), int(self._set.labels[index])


def usual_loop(arm: str, options: argparse.Namespace) -> Iterator[None]:
    """Endless steps of a loop as people write it: a DataLoader, mixed precision, SGD."""
    settings = TrainSettings(batch_size=options.batch)
    execution = resolve_execution(settings, resolve_device(options.device))
    torch.manual_seed(0)
    network = build(arm, AblationSettings(), Images(size=options.size, channels=3, classes=10))
    network = execution.place(network).train()  # type: ignore[assignment]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loader = DataLoader(
        Pictures(options.size, options.images),
        batch_size=options.batch,
        shuffle=True,
        drop_last=True,
        num_workers=options.loaders,
        pin_memory=execution.device.type == "cuda",
        persistent_workers=True,
    )
    while True:
        for images, labels in loader:
            pixels = images.to(execution.device, memory_format=execution.memory_format, non_blocking=True)
            with execution.autocast():
                loss = F.cross_entropy(network(pixels).float(), labels.to(execution.device, non_blocking=True))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            yield


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Makes one measurement after the other."""
    for arm in options.arms:
        alone = {}
        for graphs in (False, True):
            alone[graphs] = rate_of(steps_of(training_of(arm, options, graphs), options), options)
        yield {
            "arm": arm,
            "plain": round(alone[False]),
            "graph": round(alone[True]),
            "graph over plain": round(alone[True] / alone[False], 2),
        }
        for processes in options.processes:
            together = packed(arm, options, processes)
            yield {
                "arm": arm,
                "processes": processes,
                "graph": round(together),
                "over one process": round(together / alone[True], 2),
            }
    if options.loaders:
        usual = rate_of(usual_loop("fixed", options), options)
        ours = rate_of(steps_of(training_of("fixed", options, graphs=True), options), options)
        yield {
            "usual loop": round(usual),
            "workers of its loader": options.loaders,
            "graph over it": round(ours / usual, 2),
        }


def numbers(text: str) -> tuple[int, ...]:
    """The numbers in a text such as `1,2,4`."""
    return tuple(int(part) for part in text.split(",") if part)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda; cpu for a dry run.")
    parser.add_argument("--arms", default="fixed,dynamic", help="Of the ablation, with commas between.")
    parser.add_argument("--size", type=int, default=32, help="Side of the images in pixels.")
    parser.add_argument("--images", type=int, default=IMAGES, help="Number of images.")
    parser.add_argument("--batch", type=int, default=128, help="Images a step.")
    parser.add_argument("--processes", default="2,4,8", help="Trainings beside each other, with commas between.")
    parser.add_argument(
        "--loaders", type=int, default=8, help="Workers of the usual loop's DataLoader; 0 leaves it out."
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="Of each measurement.")
    return parser


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    options = make_parser().parse_args(argv)
    options.arms, options.processes = options.arms.split(","), numbers(options.processes)
    for arm in options.arms:
        if arm not in ARMS:
            raise SettingsError(f"--arms names {arm!r}; allowed: {', '.join(ARMS)}")
    settings = TrainSettings(batch_size=options.batch)
    execution = resolve_execution(settings, resolve_device(options.device))
    print(f"# {this_machine(settings.threads, execution)}", flush=True)
    for line in measure(options):
        print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
