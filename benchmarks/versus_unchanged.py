"""What a search gains over taking the best unchanged network of no greater cost, whose training settings were searched too.

    python -m benchmarks.versus_unchanged [--config quickstart] [--searches 5] [--retrainings 3] [--output runs/versus_unchanged]

It runs the search with several seeds. In each, every changed network of the front is compared with its peer, the best unchanged
network that costs no more: first by the validation accuracies that the report shows, which flatter whatever was chosen among
more networks, and then by what both reach on the test images when they are trained again with new seeds. Each search gives
one number, the mean over its front, and the interval is that of the searches.

Beside it stands what a search gives to somebody who would have taken one of the unchanged networks as they were given, with
the middle of the ranges of training settings: the expected accuracy that is gained at no greater cost, and the cost of the
cheapest network that is expected to be as good. These are validation accuracies, of which the best were chosen.

Flags that are not listed below are those of `run_search.py`. The same command continues.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks.command import command
from benchmarks.paired_runs import paired_difference
from benchmarks.trainings import Key, Plan, Record, Records, execution_identity, train_missing
from evaluator.device import Execution, resolve_device, resolve_execution
from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.images.data import load_test, prepare
from evaluator.machine import this_machine
from evaluator.measuring.metrics import score
from evaluator.settings import DataSettings, TrainSettings
from evaluator.worker import TrainingEvaluator
from image_search.command_line import read_settings
from image_search.run import run
from image_search.settings import Settings
from nas.budget import Budget
from nas.errors import SettingsError
from nas.records import Evaluation, Task
from nas.report.findings.peers import Pair, pairs
from nas.report.findings.statistics import expected_value, trained
from nas.search.result import SearchResult
from nas.seeds import derive_seed
from search_spaces import space_from_json

FIRST_SEED = 1000
"""Seed of the first new training. Those of the searches are small numbers, so no training is repeated."""
NAMES = ("search", "trial", "seed")
"""What identifies a training: number of its search, number of its trial there, and seed."""

_data: DataSettings
_train: TrainSettings
_device: str
_folder: Path


def begin(data: DataSettings, train: TrainSettings, device: str, folder: Path) -> None:
    """Prepares a worker process."""
    global _data, _train, _device, _folder
    _data, _train, _device, _folder = data, train, device, folder


def train(key: Key, space: Mapping[str, Any], task: Task) -> Record:
    """Trains a network and measures it on the test images."""
    identified = dict(zip(NAMES, key, strict=True))
    evaluator = TrainingEvaluator(
        space_from_json(space).build,
        _data,
        _train,
        device=_device,
        checkpoints=str(_folder / "checkpoints" / f"search{key[0]}-seed{key[2]}"),
        split_seed=_split_seed(key),
    )
    outcome = evaluator.evaluate(task, lambda _progress: None)
    if not isinstance(outcome, Evaluation):
        return {**identified, "failure": f"{outcome.kind}: {outcome.message}"}
    network = space_from_json(space).build(task.candidate)
    network.load_state_dict(torch.load(evaluator.checkpoints(task).weights, weights_only=True))
    execution = resolve_execution(_train, resolve_device(_device))
    found = score(
        execution.place(network.eval()),
        BatchSource(load_test(_data), execution.device),
        Normalization(prepare(_data, seed=_split_seed(key)), execution.device, execution.memory_format),
        execution,
        batch_size=_train.batch_size,
    )
    return {**identified, "test_accuracy": found.value("accuracy"), "seconds": outcome.seconds}


def _split_seed(key: Key) -> int:
    """The seed by which the search of a training divided the images; its own seed is its number."""
    return derive_seed(int(key[0]), "split")


def searched(settings: Sequence[Settings]) -> list[SearchResult]:
    """The results of the searches; those that are finished are read."""
    found = []
    for number, one in enumerate(settings):
        print(f"search {number + 1} of {len(settings)}: {one.output}", file=sys.stderr)
        found.append(run(one))
    return found


def of_front(result: SearchResult) -> list[Pair]:
    """The front's changed networks, each beside its peer, without those that every unchanged network exceeds in cost."""
    return [pair for pair in pairs(result) if pair.trial in result.front.trials and pair.affordable]


def versus_given(result: SearchResult) -> tuple[float, float]:
    """The mean gain in points over the unchanged networks that were given, at no greater cost, and the mean share of their costs
    at which the search has one as good; both by expected values.
    """
    pool = [(expected_value(result, trial), trial.values()[result.cost.name]) for trial in trained(result)]
    given = [
        (expected_value(result, trial), trial.values()[result.cost.name])
        for trial in trained(result)
        if trial.baseline is not None
    ]
    gains = [max(value for value, cost in pool if cost <= most) - own for own, most in given]
    shares = [min(cost for value, cost in pool if value >= own) / most for own, most in given]
    return fmean(gains), fmean(shares)


def trainings(results: Sequence[SearchResult], epochs: int, repeats: int) -> dict[Key, tuple[Any, ...]]:
    """The trainings that are needed: both networks of every pair, with the same new seeds."""
    wanted: dict[Key, tuple[Any, ...]] = {}
    for number, result in enumerate(results):
        trials = {trial.number: trial for trial in result.trials}
        for trial in sorted({one for pair in of_front(result) for one in (pair.trial, pair.peer)}):
            for seed in range(FIRST_SEED, FIRST_SEED + repeats):
                key = (number, trial, seed)
                task = Task(trial=trial, candidate=trials[trial].candidate, budget=Budget(epochs=epochs), seed=seed)
                wanted[key] = (key, dict(result.space), task)
    return wanted


def table(results: Sequence[SearchResult], finished: Mapping[Key, Record]) -> str:
    """One line per search and the intervals over them, as Markdown."""
    lines = [
        "| search | over given ones | as good at | unchanged networks trained | changed networks on the front | peer costs | "
        "validation, as reported | test, trained again |",
        "|---|---|---|---|---|---|---|---|",
    ]
    said, reached, gained, shares = [], [], [], []
    for number, result in enumerate(results):
        found = of_front(result)
        gain, share = versus_given(result)
        gained.append(gain)
        shares.append(share)
        begin = f"| {number} | {gain:+.2f} | {share:.2f} of the cost"
        unchanged = sum(not result.is_changed(trial) for trial in trained(result))
        if not found:
            lines.append(f"{begin} | {unchanged} | none of {len(result.front)} | | | |")
            continue
        said.append(fmean(pair.difference for pair in found))
        reached.append(
            fmean(_mean(finished, number, pair.trial) - _mean(finished, number, pair.peer) for pair in found)
        )
        costs = fmean(1 / pair.cost_ratio for pair in found)
        lines.append(
            f"{begin} | {unchanged} | {len(found)} of {len(result.front)} | {costs:.2f} of theirs | {said[-1]:+.2f} | "
            f"{reached[-1]:+.2f} |"
        )
    learned = f"{_interval(said)} | {_interval(reached)}" if said else " | "
    lines.append(f"| all | {_interval(gained)} | {fmean(shares):.2f} of the cost | | | | {learned} |")
    return "\n".join(lines)


def _mean(finished: Mapping[Key, Record], search: int, trial: int) -> float:
    found = [record for key, record in finished.items() if key[:2] == (search, trial)]
    failed = [record["failure"] for record in found if "failure" in record]
    if failed:
        raise SettingsError(f"trial {trial} of search {search} could not be trained again: {failed[0]}")
    return fmean(record["test_accuracy"] for record in found)


def _interval(values: Sequence[float]) -> str:
    difference = paired_difference(values, [0.0] * len(values))
    return f"{difference.mean:+.2f} ± {difference.half_width:.2f}"


def settings_of(options: argparse.Namespace, given: Iterable[str]) -> list[Settings]:
    """The settings of each search."""
    return [
        read_settings(
            [
                *("--config", options.config, *given),
                *("--search.seed", str(seed), "--output", str(Path(options.output) / f"search{seed}")),
            ]
        )[0]
        for seed in range(options.searches)
    ]


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="quickstart", help="Config of the searches.")
    parser.add_argument("--searches", type=int, default=5, help="Number of searches; their seeds are 0, 1, ...")
    parser.add_argument("--retrainings", type=int, default=3, help="New trainings of each network that is compared.")
    parser.add_argument("--workers", type=int, default=2, help="Networks trained again at the same time, a core each.")
    parser.add_argument("--output", default="runs/versus_unchanged", help="Folder of the searches and the trainings.")
    options, given = parser.parse_known_args(argv)
    every = settings_of(options, given)
    results = searched(every)
    first, epochs = every[0], int(results[0].settings["train"]["epochs"])
    execution: Execution = resolve_execution(first.train, resolve_device(first.device))
    again = Path(options.output) / "again"
    identity = {
        "spaces": [dict(result.space) for result in results],
        "epochs": epochs,
        "fingerprints": [result.data["fingerprint"] for result in results],
        **execution_identity(execution),
    }
    plan = Plan(
        arguments=trainings(results, epochs, options.retrainings),
        train=train,
        begin=begin,
        begin_arguments=(first.data, first.train, first.device, again),
        title="trained again",
        machine=str(this_machine(first.train.threads, execution)),
    )
    with Records(again, json.loads(json.dumps(identity)), key=NAMES, others=("checkpoints",)) as records:
        train_missing(plan, records, workers=options.workers, after=lambda _record: None)
        wanted = {key: records.finished[key] for key in plan.arguments}
    print(
        f"{plan.machine}\n\nPoints of accuracy: the front's changed networks minus the best unchanged ones of no greater cost; "
        f"95 % intervals over {len(results)} searches.\n\n{table(results, wanted)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
