"""Trains the arms of an ablation of the dynamic shuffle at equal training and paired seeds, and writes one table.

    python -m benchmarks.ablation --config benchmarks/ablation/cifar10_cpu.yaml --data.root DATA --output runs/ablation

The same command again continues. Every arm has the same network, images, order of images, rates and epochs; what is measured is
the last epoch on the validation split, never the test split.
"""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

from benchmarks.ablation.arms import ARMS
from benchmarks.ablation.runs import train_all
from benchmarks.ablation.settings import AblationSettings, Settings, faults
from benchmarks.ablation.table import arms_table, claims_table, hours, markdown
from evaluator.settings import DataSettings, TrainSettings
from nas.configuration import parse
from nas.errors import NasError

GROUPS = {"ablation": AblationSettings, "data": DataSettings, "train": TrainSettings}
DEFAULT_CONFIG = str(Path(__file__).with_name("cifar10_cpu.yaml"))


class _Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """Keeps the lines of the description."""


def make_parser() -> ArgumentParser:
    """The command line: one group of flags a settings class."""
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = ArgumentParser(
        prog="python -m benchmarks.ablation",
        description=f"{__doc__}\n\nArms: {', '.join(ARMS)}.",
        exit_on_error=False,
        formatter_class=_Formatter,
    )
    parser.add_argument("--config", type=str, default=DEFAULT_CONFIG, help="A YAML file.")
    parser.add_argument("--output", type=str, default="runs/ablation", help="Folder of the runs and the table.")
    parser.add_argument("--device", type=str, default="auto", help="Where networks are trained: auto, cpu or cuda.")
    for name, group in GROUPS.items():
        parser.add_class_arguments(group, name)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""

    def assemble(found: Any) -> Settings:
        return Settings(device=found.device, output=found.output, **{name: found[name] for name in GROUPS})

    try:
        found = parse(
            make_parser(),
            sys.argv[1:] if argv is None else argv,
            lambda whole: faults(assemble(whole), tuple(ARMS)),
            DEFAULT_CONFIG,
            {},
        )
        settings = assemble(found)
        runs = train_all(settings)
    except KeyboardInterrupt:
        print("\nstopped; the same command continues", file=sys.stderr)
        return 130
    except NasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    folder = Path(settings.output)
    title = [
        f"{settings.data.name}, {settings.train.epochs} epochs, {len(runs)} runs, {hours(runs):.1f} hours of training"
    ]
    text = markdown(runs, title)
    (folder / "table.md").write_text(text, encoding="utf-8")
    arms_table(runs).to_csv(folder / "arms.csv", index=False)
    claims_table(runs).to_csv(folder / "claims.csv", index=False)
    print(text)
    print(f"tables: {folder}/table.md, arms.csv, claims.csv", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
