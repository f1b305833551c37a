"""The cost of the hard dynamic shuffle, as ratios measured in the same run, in both memory layouts.

    python benchmarks/shuffle_speed.py [--rounds 9] [--batch 64] [--pixels 16] [--threads 1] [--networks]

For each number of channels, training forward and backward of the shuffle (gradients to the input and to both factors) against
(a) ShuffleNet's channel shuffle, (b) the dense batched matrix product it stands for, given the matrices, (c) a copy, and
(d) the floor: what cannot be saved, two gathers of the feature map and two products of the factors' sizes, each of two tensors as
large as the feature map that already lie as the product wants them.
With --networks also a training step and an evaluation of a whole ShuffleNetV2 0.5x, dynamic in every stage against fixed.

The arms take turns, so that a change in the machine's load affects all of them; the medians of the ratios are printed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.machine import this_machine
from evaluator.training.allocator import keep_freed_memory
from nas.candidate import Candidate
from nas.dimensions import Choice
from search_spaces import compact, make_space, space_settings
from search_spaces.blocks.channel_shuffle import channel_shuffle
from search_spaces.blocks.factors.factors import hard_rows
from search_spaces.blocks.permutations.channel_gather import gather_channels
from search_spaces.blocks.permutations.index_shuffle import index_shuffle
from search_spaces.blocks.permutations.permutation import shuffle_map
from search_spaces.ranks import factor_pairs

GROUPS = 2
CHANNELS = (64, 128, 256, 512)
LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}


def seconds(work: Callable[[], object], device: torch.device, least: float = 0.02) -> float:
    """Time of one call, over as many calls as fill `least` seconds.

    On a CPU it is the process's own time, which leaves out what other processes take from it; on a GPU the wall clock.
    """
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    calls = 0
    begin = clock()
    while calls == 0 or clock() - begin < least:
        work()
        calls += 1
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return (clock() - begin) / calls


def compare(arms: Mapping[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each arm, round by round, after a warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(rounds + 1):
        for name, work in arms.items():
            spent = seconds(work, device)
            if turn:
                times[name].append(spent)
    return times


def ratio(times: Mapping[str, list[float]], arm: str, against: str) -> str:
    """Median and range of the rounds' ratios."""
    ratios = [a / b for a, b in zip(times[arm], times[against], strict=True)]
    return f"{statistics.median(ratios):5.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def shuffle_arms(
    channels: int, batch: int, pixels: int, layout: torch.memory_format, device: torch.device
) -> dict[str, Callable[[], object]]:
    """The shuffle and the operations it is compared with, forward and backward."""
    n1, n2 = factor_pairs(channels // GROUPS, 32)[0]
    generator = torch.Generator().manual_seed(0)

    def features() -> Tensor:
        return torch.randn(batch, channels, pixels, pixels, generator=generator).to(device, memory_format=layout)

    def factor(n: int) -> Tensor:
        rows = torch.stack([torch.randperm(n, generator=generator) for _ in range(batch)])
        soft = torch.nn.functional.one_hot(rows, n).float() * 12 + torch.randn(batch, n, n, generator=generator)
        return torch.softmax(soft, -1).unsqueeze(1).to(device).requires_grad_()

    x, grad = features().requires_grad_(), features()
    p1, p2 = factor(n1), factor(n2)
    index = shuffle_map(hard_rows(p1), hard_rows(p2), GROUPS).detach()
    inverse = index.argsort(-1)
    dense = torch.nn.functional.one_hot(index, channels).float().requires_grad_()
    positions = pixels * pixels
    wide = [[torch.randn(batch, n, channels // n * positions, device=device) for _ in range(2)] for n in (n1, n2)]

    def by_matrix() -> None:
        rows = (
            x.permute(0, 2, 3, 1).reshape(batch, positions, channels) if layout == torch.channels_last else x.flatten(2)
        )
        product = rows @ dense.transpose(1, 2) if layout == torch.channels_last else dense @ rows
        outer = grad.permute(0, 2, 3, 1) if layout == torch.channels_last else grad
        torch.autograd.grad(product, (x, dense), outer.reshape(product.shape))

    def floor() -> None:
        with torch.no_grad():
            gather_channels(x, index)
            gather_channels(grad, inverse)
            for features, gradient in wide:
                gradient @ features.transpose(1, 2)

    return {
        "ours": lambda: torch.autograd.grad(index_shuffle(x, p1, p2, GROUPS), (x, p1, p2), grad),
        "fixed": lambda: torch.autograd.grad(channel_shuffle(x, GROUPS), x, grad),
        "dense": by_matrix,
        "copy": lambda: torch.autograd.grad(x.clone(), x, grad),
        "floor": floor,
    }


def network(mixer: str) -> nn.Module:
    """ShuffleNetV2 0.5x for 32 pixels, one mixer in every stage."""
    settings = space_settings(
        widths=(48,), mixers=(mixer,), group_ranks=1, pair_ranks=1, reductions=(16,), shares=("matrices",)
    )
    space = make_space(settings, image_size=32, channels=3, classes=10)
    genotype = {d.name: d.choices[0] if isinstance(d, Choice) else d.low for d in space.dimensions}
    candidate: Candidate = space.decode(genotype)
    torch.manual_seed(0)
    built: nn.Module = space.build(candidate)
    return built


def network_arms(batch: int, layout: torch.memory_format, device: torch.device) -> dict[str, Callable[[], object]]:
    """A training step and an evaluation of the network with fixed and with dynamic mixers."""
    x = torch.randn(batch, 3, 32, 32).to(device, memory_format=layout)
    labels = torch.randint(10, (batch,), device=device)
    execution = Execution(device=device, precision="fp32", channels_last=layout is torch.channels_last)
    arms: dict[str, Callable[[], object]] = {}
    for mixer in ("fixed", "dynamic"):
        trained = execution.place(network(mixer)).train()
        optimizer = torch.optim.SGD(trained.parameters(), lr=0.01, momentum=0.9, fused=True)
        evaluated = execution.place(network(mixer)).eval()

        def step(model: nn.Module = trained, optimizer: torch.optim.Optimizer = optimizer) -> None:
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(torch.nn.functional.cross_entropy(model(x), labels))
            optimizer.step()

        def evaluate(model: nn.Module = evaluated, images: Tensor = x) -> None:
            with torch.inference_mode():
                model(images)

        def evaluate_one(model: nn.Module = evaluated) -> None:
            with torch.inference_mode():
                model(x[:1])

        deployed = execution.place(compact(evaluated))

        def evaluate_deployed(model: nn.Module = deployed) -> None:
            with torch.inference_mode():
                model(x)

        def evaluate_one_deployed(model: nn.Module = deployed) -> None:
            with torch.inference_mode():
                model(x[:1])

        arms |= {
            f"{mixer} train": step,
            f"{mixer} eval": evaluate,
            f"{mixer} eval1": evaluate_one,
            f"{mixer} eval, compact": evaluate_deployed,
            f"{mixer} eval1, compact": evaluate_one_deployed,
        }
    return arms


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--pixels", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--networks", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    device = torch.device(options.device)
    machine = this_machine(options.threads, Execution(device=device, precision="fp32", channels_last=False))
    print(f"{replace(machine, channels_last=None)}; batch {options.batch}, {options.rounds} rounds")
    print(f"{'layout':14} {'C':>4}  {'/ fixed':19} {'dense /':19} {'/ copy':19} {'/ floor':19} ms")
    for name, layout in LAYOUTS.items():
        for channels in CHANNELS:
            times = compare(
                shuffle_arms(channels, options.batch, options.pixels, layout, device), options.rounds, device
            )
            cells = [("ours", "fixed"), ("dense", "ours"), ("ours", "copy"), ("ours", "floor")]
            line = " ".join(f"{ratio(times, *cell):19}" for cell in cells)
            print(f"{name:14} {channels:4}  {line} {statistics.median(times['ours']) * 1e3:.2f}", flush=True)
    if options.networks:
        for name, layout in LAYOUTS.items():
            times = compare(network_arms(options.batch, layout, device), options.rounds, device)
            for what in ("train", "eval", "eval1", "eval, compact", "eval1, compact"):
                against = ratio(times, f"dynamic {what}", f"fixed {what}")
                each = statistics.median(times[f"dynamic {what}"]) * 1e3
                print(f"ShuffleNetV2 0.5x, {name}, {what:14} dynamic / fixed {against}  {each:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
