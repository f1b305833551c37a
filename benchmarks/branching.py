"""Whether arms that branch off from one half-trained network rank as when each is trained from the beginning.

    python -m benchmarks.branching --root DATA [--config cifar10_cpu] [--at 0.5] [--pairs 2] [--image_size 16]

Every arm is trained both ways with the same seeds. Three things are compared: the order of the arms by their mean accuracy
(Kendall's tau-b), the mean difference of each arm to the fixed shuffle, and how much this difference varies from seed to seed.
The same command continues a comparison that was stopped.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from scipy.stats import kendalltau

from benchmarks.ablation.__main__ import read_settings
from benchmarks.ablation.arms import ARMS
from benchmarks.ablation.runs import Run, train_all
from benchmarks.ablation.table import hours
from benchmarks.command import command
from nas.errors import SettingsError
from nas.output.atomic_file import write_atomically

REFERENCE = "fixed"
DEFAULT_ARMS = (
    REFERENCE,
    "squeeze_excitation_neutral",
    "dynamic",
    "dynamic_varied",
    "gated",
    "static_dynamic",
    "blend",
    "kronecker_blend",
)
"""Arms that were far enough apart in the screening to have an order."""
DRAWS = 2000
Runs = Mapping[tuple[str, int], Run]


def means(runs: Runs, arms: Sequence[str], seeds: Sequence[int]) -> list[float]:
    """Mean accuracy of each arm over seeds, which may repeat, in percent."""
    return [fmean(runs[arm, seed].accuracy("hard") for seed in seeds) for arm in arms]


def tau_of(first: Runs, second: Runs, arms: Sequence[str], seeds: Sequence[int]) -> tuple[float, float, float]:
    """Kendall's tau-b between the orders of the arms in two sets of runs, and its 95 % interval by a bootstrap over the seeds."""
    tau = float(kendalltau(means(first, arms, seeds), means(second, arms, seeds)).statistic)
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        one, other = generator.choice(seeds, (2, len(seeds))).tolist()
        drawn.append(float(kendalltau(means(first, arms, one), means(second, arms, other)).statistic))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return tau, float(low), float(high)


def differences(runs: Runs, arm: str, seeds: Sequence[int]) -> list[float]:
    """The arm minus the reference for each seed, in points."""
    return [runs[arm, seed].accuracy("hard") - runs[REFERENCE, seed].accuracy("hard") for seed in seeds]


def spread(runs: Runs, arms: Sequence[str], seeds: Sequence[int]) -> float:
    """Standard deviation, over seeds, of the difference to the reference, pooled over the arms, in points."""
    variances = [stdev(differences(runs, arm, seeds)) ** 2 for arm in arms if arm != REFERENCE]
    return math.sqrt(fmean(variances))


def report(scratch: Runs, branched: Runs, arms: Sequence[str], seeds: Sequence[int]) -> str:
    """The comparison as Markdown."""
    tau, low, high = tau_of(scratch, branched, arms, seeds)
    lines = [
        f"{len(arms)} arms, {len(seeds)} seeds: {hours(scratch):.1f} hours from the beginning, {hours(branched):.1f} hours "
        "branched (without the trunks).",
        "",
        f"Kendall's tau between both orders: {tau:.2f} ({low:.2f} to {high:.2f}).",
        f"Spread of the difference to {REFERENCE} from seed to seed: {spread(scratch, arms, seeds):.2f} points from the beginning, "
        f"{spread(branched, arms, seeds):.2f} branched.",
        "",
        f"| arm | from the beginning % | minus {REFERENCE} | branched % | minus {REFERENCE} |",
        "|---|---|---|---|---|",
    ]
    for arm, first, second in zip(arms, means(scratch, arms, seeds), means(branched, arms, seeds), strict=True):
        one, other = fmean(differences(scratch, arm, seeds)), fmean(differences(branched, arm, seeds))
        lines.append(f"| {arm} | {first:.2f} | {one:+.2f} | {second:.2f} | {other:+.2f} |")
    return "\n".join(lines)


def trained(options: argparse.Namespace, name: str, more: Mapping[str, object]) -> Runs:
    """All runs that were trained in one of the two ways.

    Raises:
        NasError: A setting, the images or the folder are unusable.
        SettingsError: A training gave no result.
    """
    flags: dict[str, object] = {
        "config": options.config,
        "data.root": options.root,
        "output": str(Path(options.output) / name),
        "device": options.device,
        "ablation.arms": f"[{','.join(options.arms)}]",
        "ablation.pairs": options.pairs,
        "ablation.control_pairs": options.pairs,
        "ablation.workers": options.workers,
        **({} if options.image_size is None else {"data.image_size": options.image_size}),
        **more,
    }
    settings = read_settings([part for key, value in flags.items() for part in (f"--{key}", str(value))])
    finished = train_all(settings, lambda _there: None)
    for (arm, seed), why in finished.failures.items():
        raise SettingsError(f"arm {arm}, seed {seed} gave no result: {why}; leave it out of --arms")
    return finished.runs


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Folder that holds cifar10/.")
    parser.add_argument("--config", default="cifar10_cpu", help="Of the ablation.")
    parser.add_argument("--arms", default=",".join(DEFAULT_ARMS), help="With commas between; fixed is one of them.")
    parser.add_argument("--pairs", type=int, default=2, help="Seeds.")
    parser.add_argument("--at", type=float, default=0.5, help="Share of the epochs after which arms branch off.")
    parser.add_argument("--image_size", type=int, help="Side in pixels. Default: the config's.")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda.")
    parser.add_argument("--output", default="runs/branching", help="Folder of the runs and the report.")
    parser.add_argument("--workers", type=int, default=2, help="Networks trained at the same time.")
    return parser


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    options = make_parser().parse_args(argv)
    options.arms = options.arms.split(",")
    if REFERENCE not in options.arms or len(options.arms) < 2 or not set(options.arms) <= set(ARMS):
        raise SettingsError(f"--arms is {','.join(options.arms)}; allowed: {REFERENCE} and others of {', '.join(ARMS)}")
    if options.pairs < 2:
        raise SettingsError(f"--pairs is {options.pairs}; allowed: 2 or more, since a spread is told")
    scratch = trained(options, "scratch", {})
    branched = trained(options, "branched", {"ablation.branch_at": options.at})
    text = report(scratch, branched, options.arms, range(options.pairs))
    write_atomically(Path(options.output) / "branching.md", f"{text}\n".encode())
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
