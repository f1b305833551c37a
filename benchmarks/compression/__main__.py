"""A ResNet-20 compressed by learned groups and by rebuilt filters, beside networks that are as cheap from the beginning.

    python -m benchmarks.compression --root DATA [--targets 0.35 0.65] [--seeds 3] [--output runs/compression]

In a trained ResNet-20 (at --channels; 16 32 64 is the published one), groups are learned at each target, or filters are
pruned and rebuilt (scalars, two groups), and the network is trained on. It is compared, at equal epochs over equal images,
with the dense network trained on; with a dense network so narrow that it has the multiply-adds of the learned groups; and,
from fresh weights, at --order_targets, with the learned groups with their own order of channels, with ShuffleNet's shuffle,
with none and with a random one. It writes runs.jsonl, one line per training, and table.md: mean and standard deviation over
the seeds, the difference to the narrow network with its 95 % interval over pairs of equal seeds, and the time of a forward
on this CPU.

The same command continues where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.command import command
from benchmarks.compression.arms import ORDERS, Arm
from benchmarks.compression.runs import EXECUTION, begin, milliseconds, train
from benchmarks.compression.table import table
from benchmarks.trainings import Plan, Record, Records, train_missing
from evaluator.device import set_threads
from evaluator.images.data import prepare
from evaluator.machine import this_machine
from evaluator.settings import DataSettings, TrainSettings
from nas.errors import SettingsError
from nas.output.atomic_file import write_atomically


def arms(targets: Sequence[float], order_targets: Sequence[float]) -> list[Arm]:
    """All arms that are compared, those that others follow first."""
    of_targets = [Arm(name, target) for name in ("learned", "rebuilt", "uniform") for target in targets]
    of_orders = [Arm(name, target) for name in ORDERS for target in order_targets]
    return [Arm("dense"), Arm("continued"), *of_targets, *of_orders]


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Folder that holds cifar10/*.parquet.")
    parser.add_argument("--output", default="runs/compression")
    parser.add_argument(
        "--targets", type=float, nargs="+", default=[0.35, 0.65], help="Shares of the MACs to be removed."
    )
    parser.add_argument(
        "--order_targets",
        type=float,
        nargs="+",
        default=[0.65],
        help="Of these, at which orders of channels are compared.",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=10_000, help="Training images, validation included.")
    parser.add_argument("--epochs", type=int, default=12, help="Of the dense network, and again of its compression.")
    parser.add_argument("--channels", type=int, nargs=3, default=[8, 16, 32])
    parser.add_argument("--step", type=float, default=1e-3, help="By which the penalty's weight changes, an epoch.")
    parser.add_argument("--workers", type=int, default=2, help="Networks trained at the same time, a core each.")
    options = parser.parse_args(argv)
    if not all(0 < target < 1 for target in options.targets):
        raise SettingsError(f"--targets must be above 0 and below 1, got {options.targets}")
    if not set(options.order_targets) <= set(options.targets):
        raise SettingsError(f"--order_targets {options.order_targets} must be among --targets {options.targets}")
    data = DataSettings(name="cifar10", root=options.root, train_limit=options.images, validation_share=0.2)
    identity = {
        name: getattr(options, name) for name in ("images", "epochs", "channels", "step")
    } | {"data.fingerprint": prepare(data, seed=0).fingerprint}  # fmt: skip
    folder = Path(options.output)
    machine = str(this_machine(TrainSettings().threads, EXECUTION))
    with Records(folder, identity, key=("arm", "seed"), others=("checkpoints", "table.md")) as records:
        common = (data, str(folder), tuple(options.channels), options.epochs, options.step)
        everything = [
            (arm, seed) for arm in arms(options.targets, options.order_targets) for seed in range(options.seeds)
        ]
        while waiting := [(arm, seed) for arm, seed in everything if (str(arm), seed) not in records.finished]:
            # An arm can begin when the one that it follows has ended; a failed one leaves nothing to follow.
            ready = [
                (arm, seed) for arm, seed in waiting
                if arm.follows is None or "accuracy" in records.finished.get((str(arm.follows), seed), {})
            ]  # fmt: skip
            if not ready:
                break
            plan = Plan(
                arguments={(str(arm), seed): (arm.name, arm.target, seed) for arm, seed in ready},
                train=train,
                begin=begin,
                begin_arguments=common,
                title="compression",
                machine=machine,
            )
            train_missing(plan, records, workers=options.workers, after=lambda record: _write(folder, records))
        print("The trained networks are timed; let nothing else run.", file=sys.stderr)
        begin(*common)
        set_threads(TrainSettings())
        times = {
            (str(arm), seed): milliseconds(arm.name, arm.target, seed)
            for arm, seed in everything
            if "accuracy" in records.finished.get((str(arm), seed), {})
        }
        text = _write(folder, records, times)
    print(f"Times are of {machine}\n\n{text}")
    return 0


def _write(folder: Path, records: Records, times: Mapping[tuple[str, int], float] | None = None) -> str:
    text = table(list[Record](records.finished.values()), times)
    write_atomically(folder / "table.md", text.encode())
    return text


if __name__ == "__main__":
    sys.exit(main())
