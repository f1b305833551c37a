"""Records a table of trained networks: for each of 512 candidates of our own space, its accuracy after every epoch.

    python -m benchmarks.record_curves --root DATA --output runs/curves [--workers 2] [--limit 300]

The networks are ShuffleNetV2s, trained on a part of CIFAR-10 for nine epochs with seed 0. Their order is random from a
seed, except that the 256 with a fixed first stage come first. The same command continues; at the end, and whenever it is
stopped, `table.json` holds the results so far: metrics by coding, in the form of NAS-Bench-Macro. A coding has a digit for
each of `POSITIONS`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import command
from benchmarks.trainings import FILE, Plan, Record, Records, execution_identity, train_missing
from evaluator.device import resolve_device, resolve_execution
from evaluator.images.data import prepare
from evaluator.machine import this_machine
from evaluator.measuring.cost import count_cost
from evaluator.settings import DataSettings, TrainSettings
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.candidate import Candidate
from nas.dimensions import Choice, Scalar
from nas.output.atomic_file import write_atomically
from nas.portrait import Portrait
from nas.records import Evaluation, Task
from nas.simple_space import SimpleSpace
from nas.space import SearchSpace
from nas.table import Table
from search_spaces import make_space, space_settings
from search_spaces.portrait import portrait

POSITIONS: dict[str, tuple[Scalar, ...]] = {
    "width": (8, 16, 24, 32),
    "stage2.units": (1, 3),
    "stage1.mixer": ("fixed", "dynamic"),
    "stage2.mixer": ("fixed", "static", "dynamic", "static_dynamic"),
    "stage3.mixer": ("fixed", "static", "dynamic", "static_dynamic"),
    "lr": (0.1, 0.4),
}
"""The values that each digit of a coding chooses from."""
SPACE = space_settings(
    widths=(8, 16, 24, 32),
    units=((1,), (1, 3), (1,)),
    group_ranks=1,
    pair_ranks=1,
    reductions=(4,),
    shares=("matrices",),
    kron_ranks=(1,),
    binarize_from=(0.3,),
    lr=(0.1, 0.4),
    weight_decay=(2e-4, 2e-4),
    temperature=(0.5, 0.5),
    orth_weight=(1.0, 1.0),
)
EPOCHS = 9
IMAGES = 6000
VALIDATION_SHARE = 0.25
TRAIN = TrainSettings(epochs=EPOCHS, batch_size=64, label_smoothing=0.0)
ORDER_SEED = 0
FIRST_STAGE = list(POSITIONS).index("stage1.mixer")


def codings() -> list[str]:
    """All codings in random order, except that those with a fixed first stage come first, since they are a table of their own."""
    digits = [range(len(choices)) for choices in POSITIONS.values()]
    found = ["".join(map(str, choice)) for choice in itertools.product(*digits)]
    random.Random(ORDER_SEED).shuffle(found)
    return sorted(found, key=lambda coding: coding[FIRST_STAGE] != "0")


def genotype(space: SearchSpace, coding: str) -> dict[str, Scalar]:
    """The decisions that a coding stands for; decisions without a position have a single value."""
    chosen = {name: choices[int(digit)] for digit, (name, choices) in zip(coding, POSITIONS.items(), strict=True)}
    return {
        dimension.name: chosen.get(
            dimension.name, dimension.choices[0] if hasattr(dimension, "choices") else dimension.low
        )
        for dimension in space.dimensions
    }


class RecordedSpace(SimpleSpace):
    """A space with the kinds of the space that its networks were recorded in, since early stopping compares equal kinds."""

    def portrait(self, candidate: Candidate) -> Portrait:
        return portrait(candidate)


def recorded_space(table: Table) -> SimpleSpace:
    """The candidates of a table as a space of their own; a position in which all of them agree is a single choice."""
    positions = zip(POSITIONS.items(), table.alphabets, strict=True)
    return RecordedSpace(
        "curves",
        *(
            Choice(name=name, choices=tuple(choices[int(digit)] for digit in digits))
            for (name, choices), digits in positions
        ),
    )


def coding_of(candidate: Candidate) -> str:
    """The coding of a candidate of that space."""
    return "".join(str(choices.index(candidate.architecture[name])) for name, choices in POSITIONS.items())


_worker: tuple[TrainingEvaluator, SearchSpace, int] | None = None


def begin(data: DataSettings, device: str, folder: str, image: dict[str, int]) -> None:
    """Prepares a worker process."""
    global _worker
    space = make_space(SPACE, **image)
    evaluator = TrainingEvaluator(
        space.build, data, TRAIN, device=device, checkpoints=f"{folder}/checkpoints", split_seed=0
    )
    _worker = (evaluator, space, image["image_size"])


def train(number: int, coding: str) -> Record:
    """Trains one network and returns its record, or that of its failure."""
    assert _worker is not None
    evaluator, space, size = _worker
    candidate = space.decode(genotype(space, coding))
    cost = count_cost(space.build(candidate).eval(), (1, 3, size, size))
    budget = Budget(epochs=EPOCHS, rungs=tuple(range(1, EPOCHS)))
    outcome = evaluator.evaluate(Task(trial=number, candidate=candidate, budget=budget, seed=0), lambda _progress: None)
    record: dict[str, Any] = {"coding": coding, "macs": cost.macs, "params": cost.params, "seconds": outcome.seconds}
    if not isinstance(outcome, Evaluation):
        return {**record, "failure": f"{outcome.kind}: {outcome.message}"}
    curve = outcome.details["curve"]
    accuracies = {"accuracy": outcome.measurements["accuracy"].mean, "curve": [entry["accuracy"] for entry in curve]}
    if "projected_accuracy" in outcome.details or any("projected_accuracy" in entry for entry in curve):
        last = {"accuracy": accuracies["accuracy"], **outcome.details}
        accuracies["projected"] = [e.get("projected_accuracy", e["accuracy"]) for e in (*curve[:-1], last)]
    return {**record, **accuracies}


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Folder that holds cifar10/*.parquet.")
    parser.add_argument("--output", default="runs/curves", help="Folder of the records and the table.")
    parser.add_argument("--workers", type=int, default=2, help="Networks trained at the same time, a core each.")
    parser.add_argument(
        "--limit", type=int, default=512, help="Stop after so many of the 512; 256 are those with a fixed first stage."
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda.")
    options = parser.parse_args(argv)
    data = DataSettings(
        name="cifar10", root=options.root, train_limit=IMAGES, validation_share=VALIDATION_SHARE, crop_padding=0
    )
    folder = Path(options.output)
    summary = prepare(data, seed=0)
    image = {"image_size": summary.image_size, "channels": summary.channels, "classes": summary.classes}
    space = make_space(SPACE, **image)
    identity = {"space": space.settings(), "epochs": EPOCHS, "data.fingerprint": summary.fingerprint}
    execution = resolve_execution(TRAIN, resolve_device(options.device))
    identity |= execution_identity(execution)
    plan = Plan(
        arguments={(coding,): (number, coding) for number, coding in enumerate(codings()[: options.limit])},
        train=train,
        begin=begin,
        begin_arguments=(data, options.device, str(folder), image),
        title="curves",
        machine=str(this_machine(TRAIN.threads, execution)),
    )
    with Records(
        folder, json.loads(json.dumps(identity)), key=("coding",), others=("checkpoints", "table.json")
    ) as records:
        try:
            train_missing(plan, records, workers=options.workers, after=lambda _record: None)
        finally:
            write_table(folder / "table.json", records)
    print(f"{folder / 'table.json'}: {len(records.finished)} networks ({folder / FILE} holds how they came to be)")
    return 0


def write_table(path: Path, records: Records) -> None:
    """Writes metrics by coding, one line each in the order of codings, without failed trainings."""
    rows = {
        str(record["coding"]): {name: value for name, value in record.items() if name != "coding"}
        for record in records.finished.values()
        if "failure" not in record
    }
    lines = ",\n".join(f"{json.dumps(coding)}: {json.dumps(rows[coding])}" for coding in sorted(rows))
    write_atomically(path, f"{{\n{lines}\n}}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
