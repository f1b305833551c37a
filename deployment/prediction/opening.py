"""Opens a model folder or an exported file as a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deployment.chosen_model import choose
from deployment.formats import FORMATS, Format
from deployment.parity import in_layout
from deployment.pixels import LAYOUTS
from deployment.prediction.classifier import Classifier
from deployment.trained_model import read_model
from evaluator.device import resolve_device, resolve_execution
from evaluator.images.augmentation import Normalization
from evaluator.images.decoding import Form
from evaluator.settings import TrainSettings
from nas.errors import DeploymentError, OutputError
from nas.values.json_fields import MalformedError, entry, sequence, text, whole
from nas.values.json_file import open_regular
from nas.values.local_path import local_path

LARGEST_SIDE = 1024
"""Largest side length in pixels of an exported network's images; it is that of data sets."""
MOST_BYTES = 2**31
"""Most bytes of an exported file: an ONNX file of more has its weights elsewhere."""


def open_classifier(path: Path, device: str = "cpu") -> Classifier:
    """See `deployment.load_classifier`."""
    path = local_path(path)
    form = next((each for each in FORMATS.values() if path.suffix.lower() == each.ending), None)
    if form is None or path.is_dir():
        return _of_folder(path, device)
    if device == "cuda":
        raise DeploymentError(f"{path} is computed on the CPU; a GPU computes a model folder")
    try:
        return _of_file(path, form)
    except FileNotFoundError:
        raise OutputError(f"there is no file {path}") from None
    except (DeploymentError, MalformedError) as error:
        raise DeploymentError(f"{path} is no file that `shufflenas export` wrote: {error}") from error


def _of_folder(path: Path, device: str) -> Classifier:
    """A model as it was trained, computed as a search computes by default."""
    model = read_model(choose(path, None))
    execution = resolve_execution(TrainSettings(), resolve_device(device))
    network = execution.place(model.network)
    normalize = Normalization(model, execution.device, execution.memory_format)

    @torch.inference_mode()
    def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with execution.autocast():
            logits = network(normalize(torch.from_numpy(images).to(execution.device)))
        found: npt.NDArray[np.float32] = logits.float().cpu().numpy()
        return found

    return Classifier(
        class_names=_names(model.class_names),
        form=Form(size=model.image_size, channels=model.channels),
        device=str(execution.device),
        answer=answer,
    )


def _of_file(path: Path, form: Format) -> Classifier:
    with open_regular(path) as file:
        content = file.read(MOST_BYTES)
    described = form.describe(content)
    shape, layout = _shape(described), text(entry(described, "layout", "it"), "its layout")
    if layout not in LAYOUTS:
        raise MalformedError(f"its layout is {layout!r}; allowed: {', '.join(LAYOUTS)}")
    names = _names(
        [text(each, "a class name") for each in sequence(entry(described, "class_names", "it"), "class_names")]
    )
    try:
        run = form.open(content)
        logits = run(in_layout(np.zeros((1, shape.size, shape.size, shape.channels), dtype=np.uint8), layout))
    except DeploymentError:
        raise
    except Exception as error:  # what a stranger's graph raises may be of any kind
        raise DeploymentError(f"it does not take the images that it describes ({type(error).__name__})") from error
    if logits.shape != (1, len(names)):
        raise DeploymentError(f"it returns {list(logits.shape)} for one image and {len(names)} classes")

    def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return run(in_layout(images, layout))

    return Classifier(class_names=names, form=shape, device="cpu", answer=answer)


def _shape(described: Mapping[str, Any]) -> Form:
    size, channels = (whole(entry(described, name, "it"), name, 1) for name in ("image_size", "channels"))
    if size > LARGEST_SIDE or channels not in (1, 3):
        raise MalformedError(f"it takes {channels} channels of {size} pixels; allowed: 1 or 3, up to {LARGEST_SIDE}")
    return Form(size=size, channels=channels)


def _names(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    if len(set(names)) < len(names) or not names:
        raise DeploymentError("its classes have no names, or two of them have the same")
    return tuple(names)
