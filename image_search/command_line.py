"""The command line: the settings, and the messages on how a search went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from evaluator.settings import DataSettings, TrainSettings
from image_search.settings import Settings, settings_faults
from nas.engines.ray_tune.settings import RaySettings
from nas.errors import AllFailedError, CrashStreakError, NasError
from nas.latency.measurement import LatencySettings
from nas.settings.search import LogSettings, SearchSettings
from nas.values.local_path import local_path
from nas.watchers.console import say, sturdy_console, tell
from nas.watchers.signals import asked_to_stop, ending_signals
from search_spaces.spaces import DEFAULT, SPACES, space_class

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

INSTALLED, SCRIPT = "shufflenas", "run_search.py"
"""Names of the program: installed with pip, and in a copy of the repository."""
DESCRIPTION = """\
Searches channel-mixing networks on your images and returns a Pareto front of accuracy against FLOPs.

  {program}                                       the quickstart: digits, one to two minutes on 2 cores
  {program} --config cifar10 --output runs/c10    a ready config; see --config
  {program} --config photos --data.name photos/ --dry_run
                                                  what a search of your own images would cost

The same command again continues a search: ask for more with a larger --search.trials."""

USAGE = "%(prog)s [--config NAME|FILE] [--output DIR] [--GROUP.SETTING VALUE ...] [--device auto|cpu|cuda] [--dry_run]"
DEFAULT_CONFIG = "quickstart"
OF_ONE_SPACE = {"space.name": ("space.widths", "space.units", "space.convolutions", "space.conv_groups", "space.lr")}
GROUPS = {
    "data": DataSettings,
    "search": SearchSettings,
    "train": TrainSettings,
    "ray": RaySettings,
    "latency": LatencySettings,
    "log": LogSettings,
}
INTERRUPTED = 130
VERSION = "--version"
WEIGHTLESS = 3
"""Exit code of a search that has come to its end, but some networks of its front cannot be loaded."""


def program() -> str:
    """The name by which this program was started."""
    return INSTALLED if Path(sys.argv[0]).stem == INSTALLED else SCRIPT


def version_line() -> str:
    """The program and its version; where it is not installed, no version is known."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{INSTALLED} {version(INSTALLED)}"
    except PackageNotFoundError:
        return f"{INSTALLED}, not installed, so of no version that is known"


def make_parser(space: object = None) -> ArgumentParser:
    """The parser of the command line, with one group of flags for each settings class.

    Args:
        space: Name of the space whose settings are offered; for an unknown name, the default space.
    """
    from argparse import SUPPRESS, Action, RawDescriptionHelpFormatter

    from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

    from nas.settings.configuration import config_names
    from nas.values.typed_value import is_list, list_text, list_words

    class Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
        """A help formatter that keeps the line breaks of the description, and shows lists as the command line takes them."""

        def _get_help_string(self, action: Action) -> str:
            kind = getattr(action, "_typehint", None)
            if kind is None or not is_list(kind):
                return str(super()._get_help_string(action))
            default = "null" if action.default is None else list_text(action.default)
            return f"{action.help} ({list_words(kind)}; default: {default})"

    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = ArgumentParser(
        prog=program(),
        description=DESCRIPTION.format(program=program()),
        exit_on_error=False,
        formatter_class=Formatter,
    )
    parser.add_argument(
        "--config", type=str, default=DEFAULT_CONFIG, help=f"Ready config ({', '.join(config_names())}) or a YAML file."
    )
    parser.add_argument("--output", type=str | None, help="Folder of study, report and models. Default: runs/CONFIG.")
    parser.add_argument(
        "--title", type=str, default="", help="Title of the report. Default: the name of the output folder."
    )
    parser.add_argument("--device", type=str, default="auto", help="Where candidates are trained: auto, cpu or cuda.")
    parser.add_argument(
        "--dry_run",
        type=bool,
        default=False,
        help="Report the size, costs and expected time of the search, and train nothing.",
    )
    parser.add_argument(
        "--report_below",
        type=str | None,
        help="Train nothing, and show the front among those networks of the search in --output whose costs are at most these, such "
        "as macs=60e3,params=1e4. Nothing is changed, so the search may be finished, stopped or running.",
    )
    parser.add_argument(
        VERSION, action="version", version="", help="Print the version of the program, and do nothing else."
    )
    chosen = space_class(space if space in SPACES else DEFAULT).settings_class
    for name, group in {"space": chosen, **GROUPS}.items():
        parser.add_class_arguments(group, name)
        # jsonargparse's own flag for a whole group; groups come from --config.
        parser._option_string_actions[f"--{name}"].help = SUPPRESS
    lists = {
        "space.name": f"One of {', '.join(SPACES)}.",
        "search.objectives": f"Learned are {', '.join(MEASURES)}; costs are {', '.join(COSTS)}.",
    }
    for action in parser._actions:
        if action.dest in lists:
            action.help = f"{action.help} {lists[action.dest]}"
        if is_list(getattr(action, "_typehint", None)):
            action.metavar = "LIST"
    parser.usage = USAGE
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command line asks for."""

    settings: Settings
    dry_run: bool
    """Whether only an estimate is asked for."""
    report_below: str | None
    """Limits on costs, if only what a search has found below them is asked for."""


def read_settings(argv: Sequence[str]) -> tuple[Settings, bool]:
    """The settings of a command line, and whether only a dry run is asked for."""
    request = read_request(argv)
    return request.settings, request.dry_run


def read_request(argv: Sequence[str]) -> Request:
    """What a command line asks for."""
    from nas.settings.configuration import Variants, parse
    from search_spaces.given_settings import foreign_fault

    def assemble(found: Any) -> Settings:
        output = f"runs/{Path(found.config).stem}" if found.output is None else found.output
        groups = {name: found[name] for name in GROUPS}
        return Settings(device=found.device, output=output, title=found.title, space=found.space, **groups)

    variants = Variants(key="space.name", parser=make_parser, foreign_fault=foreign_fault)
    found = parse(variants, argv, lambda whole: settings_faults(assemble(whole)), DEFAULT_CONFIG, OF_ONE_SPACE)
    return Request(settings=assemble(found), dry_run=found.dry_run, report_below=found.report_below)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    0: done; 1: every network failed, or an unforeseen error; 2: an error that a person can correct; 3: done, but
        weights of a network of the front are missing; 130, 143 or 129: stopped by hand or by a signal.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    with sturdy_console(), ending_signals():
        try:
            return _answer(words)
        except KeyboardInterrupt:
            stop = asked_to_stop()
            tell(f"\n{stop or 'stopped'}; the same command continues what was begun")
            return INTERRUPTED if stop is None else stop.exit_code


def _answer(words: Sequence[str]) -> int:
    folder: Path | None = None
    if VERSION in words:
        say(version_line())
        return 0
    try:
        request = read_request(words)
        settings = request.settings
        if request.report_below is not None:
            from image_search.below import report_below

            say(report_below(settings, request.report_below))
            return 0
        if request.dry_run:
            from image_search.dry_run import dry_run

            say(dry_run(settings))
            return 0
        folder = local_path(settings.output)
        return _run(settings)
    except AllFailedError as error:
        tell(f"error: {error}")
        return 1
    except NasError as error:
        tell(f"error: {error}")
        return 2
    except Exception as error:
        from nas.output.folder import is_begun
        from nas.watchers.crash_log import keep_crash

        begun = folder is not None and is_begun(folder)
        told = keep_crash(error, words, folder / "logs" if folder is not None and begun else None)
        tell(f"error: {told}{'; the same command continues what was begun' if begun else ''}")
        return 1


def _run(settings: Settings) -> int:
    from image_search.run import run
    from nas.report.console import front_lines

    report = local_path(settings.output) / "report.html"
    tell(f"{settings.data.name} -> {settings.output} (Ctrl-C stops, the same command continues)")
    try:
        result = run(settings)
    except (KeyboardInterrupt, CrashStreakError):
        if report.exists():
            tell(f"\nwhat is there so far: {report}")
        raise
    say(front_lines(result))
    if result.ended:
        tell(f"the search ended before all its trials: {result.ended}")
    tell(f"\nreport: {report}")
    return WEIGHTLESS if result.weightless else 0
