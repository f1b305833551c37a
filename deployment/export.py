"""From a trained model to a file that was compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from deployment.chosen_model import ChosenModel, choose
from deployment.formats import FORMATS, Format
from deployment.int8 import Int8, make_int8
from deployment.parity import Logits, accuracy, compare, file_logits, measured, trained_logits
from deployment.pixels import PixelNetwork
from deployment.program import exported_program
from deployment.run_images import ComparedImages, images_of_run, random_images
from deployment.trained_model import TrainedModel, description, read_model
from deployment.unshuffled import Unshuffled, unshuffled
from evaluator.device import cpu_threads
from nas.errors import DeploymentError, NasError, SettingsError
from nas.output.atomic_file import json_bytes, require_writable, write_atomically
from search_spaces import compact

Tell = Callable[[str], object]
"""Takes lines for the person who waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be exported, and how."""

    path: Path
    """Output folder of a search, or folder of a model."""
    trial: int | None = None
    form: str = "onnx"
    layout: str = "nhwc"
    int8: bool = False
    out: Path | None = None
    """The file. Default: a name made of the run and the trial, in the current folder."""


def export(request: Request, tell: Tell) -> Path:
    """Exports a model, compares the file with it, and returns the file's path. A JSON file with all figures lies beside it.

    Raises:
        NasError: Something is missing or wrong; nothing is written then.
    """
    chosen = choose(request.path, request.trial)
    form = FORMATS[request.form]
    out = request.out or Path(f"{chosen.name}{form.ending}")
    _require_possible(request, chosen, form, out)
    with cpu_threads(1):
        return _export(request, chosen, out, tell)


def _export(request: Request, chosen: ChosenModel, out: Path, tell: Tell) -> Path:
    form = FORMATS[request.form]
    model = read_model(chosen)
    tell(f"exporting {chosen.why}")
    images = _images(chosen, model, request.int8, tell)
    plain = unshuffled(compact(model.network), torch.zeros(2, model.channels, model.image_size, model.image_size))
    for line in _left_lines(plain):
        tell(line)
    network = PixelNetwork(plain.network, mean=model.mean, std=model.std, layout=request.layout).eval()
    described = description(model, chosen, request.layout)
    content = form.write(exported_program(network, network.example(model.image_size)), described)
    trained = trained_logits(model, images)
    exported = file_logits(form.open(content), images.pixels, request.layout)
    parity = compare(trained, exported, images.what)
    for line in parity.lines:
        tell(line)
    parity.require_close()
    made = make_int8(content, images, request.layout, described, exported) if request.int8 else None
    write_atomically(out, content)
    tell(f"wrote {out} ({len(content):,} bytes)")
    if made is not None:
        _write_int8(made, out, tell)
    kept = {
        "file": out.name,
        "description": described,
        "parity": {**asdict(parity), **_accuracies(trained, exported, images)},
        "left": [asdict(each) for each in plain.left],
        "int8": None if made is None else {"file": int8_path(out).name, **made.to_json()},
    }
    write_atomically(out.with_name(f"{out.name}.json"), json_bytes(kept))
    return out


def int8_path(out: Path) -> Path:
    """The path of the quantized file beside a file."""
    return out.with_name(f"{out.stem}_int8{out.suffix}")


def _write_int8(made: Int8, out: Path, tell: Tell) -> None:
    write_atomically(int8_path(out), made.content)
    tell(f"wrote {int8_path(out)}")
    for line in made.lines:
        tell(line)


def _accuracies(trained: Logits, exported: Logits, images: ComparedImages) -> dict[str, Any]:
    if images.labels is None:
        return {}
    return {
        "accuracy_of_trained": measured(accuracy(trained, images.labels)),
        "accuracy_of_file": measured(accuracy(exported, images.labels)),
    }


def _require_possible(request: Request, chosen: ChosenModel, form: Format, out: Path) -> None:
    """Refuses what cannot come to a good end, before anything is computed."""
    form.require()
    if request.int8 and request.form != "onnx":
        raise SettingsError(f"--int8 needs --format onnx, not {request.form}")
    if request.int8 and chosen.run is None:
        raise SettingsError(
            f"--int8 takes training images, which only the output folder of the search can name; {request.path} is a model alone"
        )
    require_writable("--out", out)


def _images(chosen: ChosenModel, model: TrainedModel, needed: bool, tell: Tell) -> ComparedImages:
    """The images on which the file is compared; random ones where those of the search are not there."""
    if chosen.run is not None:
        try:
            return images_of_run(chosen.run, model)
        except NasError as error:
            if needed:
                raise DeploymentError(f"--int8 takes images of the search: {error}") from error
            tell(f"the images of the search are not there ({error})")
    tell("the file is compared on images of random pixels, so nothing is said about accuracy")
    return random_images(model)


def _left_lines(plain: Unshuffled) -> list[str]:
    """What still moves channels, in lines."""
    if not plain.left:
        return ["no operation of the graph only moves channels"]
    counts = Counter(plain.left)
    lines = [
        f"  {each.place}: {each.operation}{f' ({count} of them)' if count > 1 else ''}, {each.why}"
        for each, count in counts.items()
    ]
    return [f"{len(plain.left)} operations still move channels:", *lines]
