"""The verb `predict`: what a trained network answers on image files."""

from __future__ import annotations

from collections.abc import Sequence

from nas.errors import SettingsError
from nas.settings.verb_parser import VerbParser

DESCRIPTION = """\
Says which classes a trained network sees in image files, and with which probabilities.

The files are prepared exactly as the images of the training were, whatever their size, shape, colors and depth, so that the
answers on the validation images are those of the report. A folder stands for all images in it and below it. Files that cannot
be used are named on standard error, and the others are answered; the exit code is then 1, or 2 if none can be used."""
EXAMPLES = """\
examples:
  %(prog)s runs/quickstart/models/17 cat.png dog.jpg           the three most probable classes of two files
  %(prog)s network.onnx photos/ --csv --out answers.csv        a folder, to a table
  %(prog)s runs/quickstart photos/ --top 1                     the most accurate network of a search

A .pt2 file may run any program on this machine when it is opened: give none that you have not made yourself, or whose maker
you do not trust. Model folders and .onnx files run none."""


def make_parser(prog: str) -> VerbParser:
    """The parser of the words that follow the verb."""
    parser = VerbParser(prog, DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="folder of a model, output folder of a search, or exported file: .onnx, which ONNX Runtime computes, or .pt2 (see the "
        "warning below)",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="image files, or folders of them")
    parser.add_argument(
        "--csv",
        action="store_true",
        help="write a table: file, class, probability, and further classes and probabilities, from 0 to 1",
    )
    parser.add_argument("--top", metavar="N", default="3", help="how many classes are shown of each image. Default: 3")
    parser.add_argument("--out", metavar="FILE", help="file to write. Default: standard output")
    parser.add_argument(
        "--device", default="cpu", metavar="cpu|cuda|auto", help="where a model folder is computed. Default: cpu"
    )
    return parser


def main(argv: Sequence[str], prog: str) -> int:
    """Predicts what the words ask for, and returns the exit code.

    Raises:
        SettingsError: An argument is unknown or has a value that is not allowed.
        NasError: There is no such model, none of the files can be used, or the output cannot be written.
        SystemExit: `--help` was asked for (status 0).
    """
    given = make_parser(prog).parse_args(argv)
    if not (given.top.isascii() and given.top.isdecimal() and len(given.top) < 10 and int(given.top)):
        raise SettingsError(f"--top is {given.top!r}; allowed: a number of classes, 1 or more")
    from deployment.prediction.answers import Wanted, answer_files

    wanted = Wanted(
        model=given.model,
        files=tuple(given.files),
        csv=given.csv,
        top=int(given.top),
        out=given.out,
        device=given.device,
    )
    return answer_files(wanted)
