"""The cost of a training step with each mixer, as ratios to the fixed shuffle measured in the same run.

    python -m benchmarks.mixer_speed [--rounds 9] [--batch 128] [--layout channels_last]

The network is a ShuffleNetV2 of 32-64-128 channels with 2-4-2 units, at 32 pixels, with one mixer in every stage, on one
thread. It is timed while permutations are hard, as they are by default from the first step on, and while they are soft. The
arms take turns, so that a change in the machine's load affects all of them. The medians of the ratios per round are
printed, with their range.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from benchmarks.shuffle_speed import LAYOUTS, compare, ratio
from evaluator.device import Execution
from evaluator.training.allocator import keep_freed_memory
from evaluator.training.penalties import mean_penalty
from module_protocols import LearnedShuffle
from nas.dimensions import Choice
from search_spaces import make_space, space_settings

MIXERS: Mapping[str, Mapping[str, Any]] = {
    "fixed": {"mixers": ("fixed",)},
    "static": {"mixers": ("static",)},
    "static_full": {"mixers": ("static_full",)},
    "dynamic": {"mixers": ("dynamic",)},
    "static_matrix, rank 1": {"mixers": ("static_matrix",), "kron_ranks": (1,)},
    "static_matrix, rank 4": {"mixers": ("static_matrix",), "kron_ranks": (4,)},
    "static_dynamic, rank 1": {"mixers": ("static_dynamic",), "kron_ranks": (1,)},
    "static_dynamic, rank 4": {"mixers": ("static_dynamic",), "kron_ranks": (4,)},
    "static_dynamic, factors added": {"mixers": ("static_dynamic",), "sum_levels": ("factor",)},
}
UNLEARNED = ("fixed", "static_matrix, rank 1", "static_matrix, rank 4")
"""Mixers that are never soft."""


def network(mixer: str, *, soft: bool) -> nn.Module:
    """A network with one mixer in every stage."""
    one_of_each = {"group_ranks": 1, "pair_ranks": 1, "reductions": (16,), "shares": ("matrices",)}
    settings = space_settings(
        widths=(32,), units=((2,), (4,), (2,)), binarize_from=(float(soft),), **{**one_of_each, **MIXERS[mixer]}
    )
    space = make_space(settings, image_size=32, channels=3, classes=10)
    genotype = {d.name: d.choices[0] if isinstance(d, Choice) else d.low for d in space.dimensions}
    torch.manual_seed(0)
    built: nn.Module = space.build(space.decode(genotype))
    return built


def training_step(mixer: str, *, soft: bool, batch: int, layout: torch.memory_format) -> Callable[[], object]:
    """One step of a network whose permutations are soft, or hard."""
    execution = Execution(device=torch.device("cpu"), precision="fp32", channels_last=layout is torch.channels_last)
    model = execution.place(network(mixer, soft=soft)).train()
    shuffles = [module for module in model.modules() if isinstance(module, LearnedShuffle)]
    x = torch.randn(batch, 3, 32, 32).to(memory_format=layout)
    labels = torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        torch.autograd.backward(loss + mean_penalty(shuffles) if shuffles else loss)
        optimizer.step()

    return step


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="channels_last")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    made = partial(training_step, batch=options.batch, layout=LAYOUTS[options.layout])
    arms = {mixer: made(mixer, soft=False) for mixer in MIXERS}
    arms |= {f"{mixer}, soft": made(mixer, soft=True) for mixer in MIXERS if mixer not in UNLEARNED}
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, 1 thread, batch {options.batch}")
    times = compare(arms, options.rounds, torch.device("cpu"))
    print(f"{'mixer':30} {'hard / fixed':18} {'soft / fixed':18} ms a step, hard")
    for mixer in MIXERS:
        soft = ratio(times, f"{mixer}, soft", "fixed") if f"{mixer}, soft" in times else ""
        hard = statistics.median(times[mixer]) * 1e3
        print(f"{mixer:30} {ratio(times, mixer, 'fixed'):18} {soft:18} {hard:.1f}", flush=True)


if __name__ == "__main__":
    main()
