"""How much time a training on a CPU saves by keeping the memory of freed tensors (`evaluator.training.allocator`).

    python -m benchmarks.allocator [--rounds 5]

Processes with and without it take turns. Each trains a ShuffleNetV2 of 32-64-128 channels at batch 64 and 32 pixels on one
thread, and reports the median CPU time of a step, including the system's work for the process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import torch

from benchmarks.ablation.arms import Images, build
from benchmarks.ablation.settings import AblationSettings
from evaluator.device import Execution
from evaluator.machine import this_machine
from evaluator.training.allocator import keep_freed_memory

STEPS = 30


def step_seconds(arm: str) -> float:
    """Median seconds of a step of one training."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = build(arm, AblationSettings(), Images(size=32, channels=3, classes=10))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(64, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.randint(10, (64,))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, fused=True)
    times = []
    for _ in range(STEPS):
        begin = time.process_time()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.nn.functional.cross_entropy(network(images), labels))
        optimizer.step()
        times.append(time.process_time() - begin)
    return statistics.median(times[3:])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        arm, keep = options.one
        if keep == "kept":
            keep_freed_memory()
        print(step_seconds(arm))
        return
    execution = Execution(device=torch.device("cpu"), precision="fp32", channels_last=True)
    print(f"{this_machine(1, execution)}; {options.rounds} rounds, {STEPS} steps each")
    for arm in ("fixed", "dynamic"):
        times: dict[str, list[float]] = {"by itself": [], "kept": []}
        for _ in range(options.rounds):
            for keep, found in times.items():
                command = [sys.executable, "-m", "benchmarks.allocator", "--one", arm, keep]
                found.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        ratios = [kept / freed for kept, freed in zip(times["kept"], times["by itself"], strict=True)]
        print(
            f"{arm:8} {statistics.median(times['by itself']) * 1e3:6.1f} ms by itself, "
            f"{statistics.median(times['kept']) * 1e3:6.1f} ms kept, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
