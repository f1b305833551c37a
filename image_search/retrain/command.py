"""The command `retrain`: its flags, its messages and its exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluator.distillation.forms import FORMS
from image_search.retrain.options import NONE, Options
from nas.errors import AllFailedError, NasError, SettingsError
from nas.settings.search import ENGINES
from nas.settings.verb_parser import VerbParser
from nas.values.json_fields import shown
from nas.values.local_path import local_path
from nas.watchers.console import say, sturdy_console, tell
from nas.watchers.signals import asked_to_stop, ending_signals

DESCRIPTION = """\
Trains chosen networks of a search properly, and says how good they are on images that nothing was chosen by.

A search ends with networks that were trained for a few epochs on a part of the images. This command trains the chosen ones, and
the unchanged network that is nearest in cost to each, for more epochs on the training and validation images together, with
several seeds. When all trainings have ended, it opens the test images once and measures them.

  %(prog)s runs/mine                          the recommended network and the two most accurate ones
  %(prog)s runs/mine --trials 8,17 --epochs 200 --seeds 5
  %(prog)s runs/mine --teacher none,self      each network without and with a teacher, paired by seed

The same command again continues; when it has ended, it shows the figures again and opens nothing. Its results are
RUN/retrained.csv, RUN/retrained/models, and a section of RUN/report.html. Flags that are not listed here are settings of
the search, such as --device cuda, --data.root DIR or --ray.address HOST:PORT; those that would make another search are refused."""
INTERRUPTED = 130
PROGRAM = "shufflenas retrain"


def make_parser(prog: str) -> VerbParser:
    """The parser of the command's own flags."""
    parser = VerbParser(prog, DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="Output folder of the search.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--trials", metavar="8,17", help="Trials to train, by the numbers of trials.csv.")
    which.add_argument(
        "--top",
        type=_whole,
        default=3,
        metavar="N",
        help="Train N networks of the front: the recommended one, and those of the best expected value. Default: %(default)s.",
    )
    parser.add_argument(
        "--epochs",
        type=_whole,
        default=100,
        metavar="N",
        help="Length of each training. All schedules are stretched to it. Default: %(default)s.",
    )
    parser.add_argument(
        "--seeds",
        type=_whole,
        default=3,
        metavar="N",
        help="Trainings of each network; differences are paired by seed, and 1 gives no interval. Default: %(default)s.",
    )
    parser.add_argument(
        "--workers", type=_whole, metavar="N", help="Trainings at the same time. Default: as in the search."
    )
    parser.add_argument(
        "--engine", metavar="|".join(ENGINES), help="Where they are trained. Default: as in the search."
    )
    _add_distillation(parser)
    return parser


def _add_distillation(parser: VerbParser) -> None:
    """Adds the flags of a teacher."""
    taught = parser.add_argument_group(
        "distillation", "A teacher adds its answers to the loss. The teacher sees the same images."
    )
    taught.add_argument(
        "--teacher",
        default=NONE,
        metavar="none|self|FILE",
        help="none; self: the largest unchanged network of the space is trained first and teaches the others; FILE: a folder of a "
        "model, an .onnx file (run by ONNX Runtime) or a .pt2 file of torch.export, which takes images as the networks do and has "
        "the same classes. Several, divided by commas, are compared. Default: %(default)s.",
    )
    taught.add_argument(
        "--distillation",
        default="kd",
        metavar="|".join(FORMS),
        help="kd: Hinton's loss; dkd: the decoupled one of Zhao et al. Default: %(default)s.",
    )
    taught.add_argument(
        "--temperature",
        type=_number,
        default=4.0,
        metavar="T",
        help="Divides the logits of both. Default: %(default)g.",
    )
    taught.add_argument(
        "--distillation_weight",
        type=_number,
        metavar="W",
        help="Share of the teacher in the loss, 0 to 1; the rest is the labels'. Default: 0.9 for kd, 0.5 for dkd.",
    )
    taught.add_argument(
        "--beta",
        type=_number,
        default=8.0,
        metavar="B",
        help="Weight in dkd of the classes that an image is not of. Default: %(default)g.",
    )


def options_of(argv: Sequence[str], prog: str = PROGRAM) -> Options:
    """What a command line asks for.

    Raises:
        SettingsError: A flag is malformed.
        SystemExit: `--help` was asked for (status 0).
    """
    found, further = make_parser(prog).parse_known_args(list(argv))
    if strange := [word for word in further[:1] if not word.startswith("-")]:
        raise SettingsError(
            f"one folder of a run is needed, and {shown(strange[0])} is another word; see {prog} --help"
        )
    return Options(
        run=found.run,
        trials=() if found.trials is None else _trials(found.trials),
        top=found.top,
        epochs=found.epochs,
        seeds=found.seeds,
        teachers=tuple(dict.fromkeys(name.strip() for name in found.teacher.split(",") if name.strip())),
        form=found.distillation,
        temperature=found.temperature,
        weight=found.distillation_weight,
        beta=found.beta,
        engine=found.engine,
        workers=found.workers,
        further=tuple(further),
    )


def _trials(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and len(word) < 10 for word in words):
        raise SettingsError(f"--trials is {shown(text)}; allowed: numbers of trials divided by commas, such as 8,17")
    return tuple(dict.fromkeys(int(word) for word in words))


def _whole(text: str) -> int:
    if len(text) > 20:
        raise ValueError("too long")
    return int(text)


def _number(text: str) -> float:
    return float(text)


_whole.__name__, _number.__name__ = "whole number", "number"  # argparse names the type in its message


def main(argv: Sequence[str], prog: str = PROGRAM) -> int:
    """Runs the command line, without the name of the program and the verb, and returns the exit code.

    0: done; 1: no training gave a network, or an unforeseen error; 2: an error that a person can correct; 130, 143 or 129: stopped
    by hand or by a signal.
    """
    with sturdy_console(), ending_signals():
        try:
            return _answer(argv, prog)
        except KeyboardInterrupt:
            stop = asked_to_stop()
            tell(f"\n{stop or 'stopped'}; the same command continues what was begun")
            return INTERRUPTED if stop is None else stop.exit_code


def _answer(argv: Sequence[str], prog: str) -> int:
    logs: Path | None = None
    try:
        options = options_of(argv, prog)
        from image_search.retrain.run import retrain

        logs = local_path(options.run) / "retrained" / "logs"
        say(retrain(options))
    except AllFailedError as error:
        tell(f"error: {error}")
        return 1
    except NasError as error:
        tell(f"error: {error}")
        return 2
    except Exception as error:
        from nas.watchers.crash_log import keep_crash

        begun = logs is not None and logs.parent.is_dir()
        told = keep_crash(error, list(argv), logs if begun else None)
        tell(f"error: {told}{'; the same command continues what was begun' if begun else ''}")
        return 1
    return 0
