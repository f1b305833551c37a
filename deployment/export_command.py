"""The verb `export`: from a trained model to a file that runs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployment.formats import FORMATS
from nas.errors import SettingsError, unknown_name
from nas.settings.verb_parser import VerbParser
from nas.values.local_path import local_path
from nas.watchers.console import say, tell

if TYPE_CHECKING:
    from deployment.export import Request

LAYOUTS = ("nhwc", "nchw")
DESCRIPTION = """\
Exports a trained network of a search to a file that runs without this program.

The file takes images as bytes, uint8[n h w c] from 0 to 255, any number n of them, and returns logits float32[n classes].
Normalization is part of its graph. Class names, image size, how an image is prepared, and where the network comes from
are in its metadata. Before it is written, it is run on the validation images of the search and compared with the trained
network; all figures are kept in a JSON file beside it."""
EXAMPLES = """\
examples:
  %(prog)s runs/quickstart                              the most accurate network of the front, as ONNX
  %(prog)s runs/quickstart --trial 17 --int8            trial 17, and an int8 version beside it
  %(prog)s models/17 --format torch_export --layout nchw --out digits.pt2"""


def make_parser(prog: str) -> VerbParser:
    """The parser of the words that follow the verb."""
    parser = VerbParser(prog, DESCRIPTION, EXAMPLES)
    parser.add_argument(
        "path",
        metavar="RUN|MODEL",
        help="output folder of a search, such as runs/quickstart, or folder of one model in it",
    )
    parser.add_argument("--trial", metavar="N", help="trial of the front; by default the most accurate one")
    formats = "; ".join(f"{name}: {each.words}" for name, each in FORMATS.items())
    parser.add_argument("--format", metavar="|".join(FORMATS), default="onnx", help=f"{formats}. Default: onnx")
    parser.add_argument(
        "--layout",
        metavar="|".join(LAYOUTS),
        default="nhwc",
        help="order of the axes of images: nhwc, as files are decoded, or nchw. Default: nhwc",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="also write a quantized file, calibrated on training images, and print accuracy, size and time of both",
    )
    parser.add_argument(
        "--out", metavar="FILE", help="file to write. Default: RUN_TRIAL with the format's ending, here"
    )
    return parser


def read_request(argv: Sequence[str], prog: str) -> Request:
    """What a command line asks for.

    Raises:
        SettingsError: An argument is unknown or has a value that is not allowed.
        SystemExit: `--help` was asked for (status 0).
    """
    given = make_parser(prog).parse_args(argv)
    for flag, name, known in (("format", given.format, FORMATS), ("layout", given.layout, LAYOUTS)):
        if name not in known:
            raise SettingsError(f"--{flag}: " + unknown_name(flag, name, known))
    if given.trial is not None and not (given.trial.isascii() and given.trial.isdecimal()):
        raise SettingsError(f"--trial is {given.trial!r}; allowed: the number of a trial")
    from deployment.export import Request

    return Request(
        path=local_path(given.path),
        trial=None if given.trial is None else int(given.trial),
        form=given.format,
        layout=given.layout,
        int8=given.int8,
        out=None if given.out is None else local_path(given.out),
    )


def main(argv: Sequence[str], prog: str) -> int:
    """Exports what the words ask for, and returns the exit code."""
    request = read_request(argv, prog)
    from deployment.export import export

    say(str(export(request, tell)))
    return 0
