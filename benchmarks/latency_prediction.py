"""How well the latency of a network is predicted from about a hundred measured ones.

    python -m benchmarks.latency_prediction [--networks 120] [--rounds 2] [--form eager] [--batch 16] [--clock wall]

It draws ShuffleNetV2 networks for 32x32, measures each compacted and untrained on one thread of this CPU, and prints the
error of `nas.latency.predictor` on networks it has not seen, beside the difference between two measurements of one network,
which limits every predictor. Each network counts with the least of its rounds. On a machine that others use, `--clock
process` times by the process's own time, as far as the form runs on one thread.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from evaluator.device import Execution
from evaluator.machine import this_machine
from evaluator.measuring.contention import cpu_watch
from evaluator.measuring.cost import count_cost
from evaluator.measuring.latency import measure
from evaluator.measuring.timing import Call, TimeBudget, stopwatch_of
from nas.latency.measurement import FORMS, Latency
from nas.latency.predictor import LatencyPredictor, Measured
from nas.samplers.distributions import distributions, draw
from search_spaces import compact, make_space, space_settings

SPACE = space_settings(widths=(24, 32, 48, 64), units=((2, 3, 4), (4, 6, 8), (2, 3, 4)))
IMAGE = (3, 32, 32)
EXECUTION = Execution(device=torch.device("cpu"), precision="fp32", channels_last=True)
BUDGET = TimeBudget(warm_up_seconds=0.15, seconds=0.4, least_runs=20)


def process_seconds(call: Call) -> float:
    """Time of this process in seconds, on all its threads."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def measured_networks(options: argparse.Namespace) -> list[list[Measured]]:
    """The same networks for each round, measured anew."""
    space = make_space(SPACE, image_size=IMAGE[1], channels=IMAGE[0], classes=10)
    rng = np.random.default_rng(options.seed)
    candidates = [space.decode(draw(distributions(space.dimensions), rng)) for _ in range(options.networks)]
    clock = process_seconds if options.clock == "process" else stopwatch_of(EXECUTION.device)
    rounds: list[list[Measured]] = []
    for turn in range(options.rounds):
        rounds.append([])
        for number, candidate in enumerate(candidates, 1):
            torch.manual_seed(0)
            network = compact(space.build(candidate))
            cost = count_cost(network, (1, *IMAGE))
            latency = measure(
                network,
                IMAGE,
                batch=options.batch,
                form=options.form,
                execution=EXECUTION,
                budget=BUDGET,
                watch=cpu_watch,
                stopwatch=clock,
            )
            costs = {"macs": float(cost.macs), "params": float(cost.params)}
            rounds[-1].append(Measured(architecture=candidate.architecture, costs=costs, latency=latency))
            if number % 20 == 0:
                print(f"round {turn + 1}: {number} of {len(candidates)} networks", flush=True)
    return rounds


def least(latencies: list[Latency]) -> Latency:
    """The measurement with the least median."""
    return min(latencies, key=lambda latency: latency.median)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--form", choices=FORMS, default="eager")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--clock", choices=("wall", "process"), default="wall")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rounds = measured_networks(options)
    points = [
        Measured(architecture=same[0].architecture, costs=same[0].costs, latency=least([each.latency for each in same]))
        for same in zip(*rounds, strict=True)
    ]
    disturbed = sum(bool(each.latency.disturbed_by) for each in points)
    print(f"{this_machine(points[0].latency.conditions.threads, EXECUTION)}, {options.form}, {options.batch} images")
    print(f"{options.clock} clock, {disturbed} of {len(points)} disturbed")
    if len(rounds) > 1:
        ratios = [a.latency.median / b.latency.median for a, b in zip(*rounds[:2], strict=True)]
        print(f"two measurements of a network differ by {np.median([max(r, 1 / r) - 1 for r in ratios]):.1%} (median)")
    print(LatencyPredictor(points).error)


if __name__ == "__main__":
    main()
