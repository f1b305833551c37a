"""Trains the arms of an ablation of the dynamic shuffle at equal training and paired seeds, and writes one table.

    python -m benchmarks.ablation --config cifar10_cpu --data.root DATA --output runs/ablation

The same command continues an ablation that was stopped. Every arm has the same network, images, order of images, rates and
epochs. The last epoch is measured on the validation split, never on the test split.
"""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

from benchmarks.ablation.arms import ARMS
from benchmarks.ablation.runs import Finished, planned, train_all
from benchmarks.ablation.settings import AblationSettings, Settings, faults
from benchmarks.ablation.table import arms_table, claims_table, hours, markdown
from benchmarks.command import command
from evaluator.settings import DataSettings, TrainSettings
from nas.output.atomic_file import write_atomically
from nas.settings.configuration import Variants, config_names, parse

GROUPS = {"ablation": AblationSettings, "data": DataSettings, "train": TrainSettings}
CONFIGS = Path(__file__).parent
DEFAULT_CONFIG = "cifar10_cpu"


class _Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """A help formatter that keeps the line breaks of the description."""


def make_parser() -> ArgumentParser:
    """The parser of the command line, with one group of flags for each settings class."""
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = ArgumentParser(
        prog="python -m benchmarks.ablation",
        description=f"{__doc__}\n\nArms: {', '.join(ARMS)}.",
        exit_on_error=False,
        formatter_class=_Formatter,
    )
    parser.add_argument(
        "--config", type=str, default=DEFAULT_CONFIG, help=f"{', '.join(config_names(CONFIGS))}, or a YAML file."
    )
    parser.add_argument("--output", type=str, default="runs/ablation", help="Folder of the runs and the table.")
    parser.add_argument("--device", type=str, default="auto", help="Where networks are trained: auto, cpu or cuda.")
    for name, group in GROUPS.items():
        parser.add_class_arguments(group, name)
    return parser


def read_settings(argv: Sequence[str]) -> Settings:
    """The settings of a command line.

    Raises:
        SettingsError: Settings are unknown, ill-typed or out of range; the message lists all of them.
    """

    def assemble(found: Any) -> Settings:
        return Settings(device=found.device, output=found.output, **{name: found[name] for name in GROUPS})

    found = parse(
        Variants(parser=lambda _chosen: make_parser()),
        argv,
        lambda whole: faults(assemble(whole), tuple(ARMS)),
        DEFAULT_CONFIG,
        {},
        CONFIGS,
    )
    return assemble(found)


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    settings = read_settings(sys.argv[1:] if argv is None else argv)
    finished = train_all(settings, lambda there: write_tables(there, settings))
    text = write_tables(finished, settings)
    print(text)
    print(f"tables: {settings.output}/table.md, arms.csv, claims.csv", file=sys.stderr)
    for (arm, seed), why in finished.failures.items():
        print(f"error: arm {arm}, seed {seed} gave no result: {why}", file=sys.stderr)
    return 2 if finished.failures else 0


def write_tables(finished: Finished, settings: Settings) -> str:
    """Writes the tables of the runs so far, and returns their text.

    Raises:
        OutputError: The tables cannot be written.
    """
    folder, runs = Path(settings.output), finished.runs
    title = [
        f"{settings.data.name}, {settings.train.epochs} epochs, {len(runs)} of {len(list(planned(settings.ablation)))} "
        f"runs, {hours(runs):.1f} hours of training"
    ]
    title += [f"Computed with {machine}" for machine in dict.fromkeys(run.machine for run in runs.values()) if machine]
    title += [f"Arm {arm}, seed {seed} gave no result: {why}" for (arm, seed), why in finished.failures.items()]
    text = markdown(runs, title)
    write_atomically(folder / "table.md", text.encode())
    write_atomically(folder / "arms.csv", arms_table(runs).to_csv(index=False).encode())
    write_atomically(folder / "claims.csv", claims_table(runs).to_csv(index=False).encode())
    return text


if __name__ == "__main__":
    sys.exit(main())
