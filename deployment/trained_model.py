"""A trained network with everything that its user has to know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from deployment.chosen_model import CANDIDATE, ChosenModel
from nas.candidate import Candidate
from nas.errors import OutputError
from nas.output.provenance import commit, provenance
from nas.values.json_fields import MalformedError, entry, mapping, number, sequence, text, whole
from nas.values.json_file import read_json
from search_spaces import load_model


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A trained network, and the images that it takes."""

    network: nn.Module
    """In evaluation mode, as trained, on the CPU."""
    image_size: int
    """Side length in pixels."""
    channels: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    """Mean per channel of pixels scaled to 0..1."""
    std: tuple[float, ...]
    preparation: Mapping[str, str]
    """How an image file becomes pixels: steps by name, in order."""
    digest: str
    fingerprint: str
    """That of the images of the search."""
    accuracy: float | None
    """Share of correctly classified validation images of the search, in percent."""
    validation: int
    """Number of validation images of the search."""

    @property
    def standard_error(self) -> float | None:
        """The standard error of the accuracy, in percent."""
        if self.accuracy is None or self.validation < 1:
            return None
        share = (self.accuracy / 100 * self.validation + 1) / (self.validation + 2)
        return 100 * math.sqrt(share * (1 - share) / self.validation)


def read_model(chosen: ChosenModel) -> TrainedModel:
    """Loads a model that a stranger may have made.

    Raises:
        OutputError: The folder does not hold a whole model of a search.
    """
    network = load_model(chosen.folder)
    path = chosen.folder / CANDIDATE
    try:
        whole_file = mapping(read_json(path), CANDIDATE)
        space, data = (mapping(entry(whole_file, name, CANDIDATE), name) for name in ("space", "data"))
        channels, classes = (whole(entry(space, name, "space"), name, 1) for name in ("channels", "classes"))
        names = [text(each, "a class name") for each in sequence(entry(data, "class_names", "data"), "class_names")]
        accuracy = mapping(whole_file.get("values", {}), "values").get("accuracy")
        model = TrainedModel(
            network=network,
            image_size=whole(entry(space, "image_size", "space"), "image_size", 1),
            channels=channels,
            class_names=tuple(names),
            mean=_per_channel(data, "mean", channels),
            std=_per_channel(data, "std", channels),
            preparation={
                name: text(step, name) for name, step in mapping(data.get("preparation", {}), "preparation").items()
            },
            digest=Candidate.from_json(mapping(entry(whole_file, "candidate", CANDIDATE), "candidate")).digest,
            fingerprint=text(data.get("fingerprint", ""), "fingerprint"),
            accuracy=None if accuracy is None else number(accuracy, "accuracy", 0),
            validation=whole(data.get("validation", 0), "validation"),
        )
    except (MalformedError, ValueError) as error:
        raise OutputError(f"{path} does not describe the images of its network: {error}") from error
    if len(names) != classes:
        raise OutputError(
            f"{path} does not describe the images of its network: {len(names)} names for {classes} classes"
        )
    return model


def _per_channel(data: Mapping[str, Any], name: str, channels: int) -> tuple[float, ...]:
    found = tuple(number(each, name, 0) for each in sequence(entry(data, name, "data"), name))
    if len(found) != channels:
        raise MalformedError(f"{name} has {len(found)} numbers for {channels} channels")
    return found


def description(model: TrainedModel, chosen: ChosenModel, layout: str) -> dict[str, Any]:
    """What goes with an exported file, as plain JSON: what it takes, what it returns, and where it comes from."""
    order = "n h w c" if layout == "nhwc" else "n c h w"
    made_by = {name: value for name, value in provenance().items() if name in ("versions", "commit", "platform")}
    return {
        "input": f"uint8[{order}], pixels from 0 to 255, any number of images n",
        "output": "float32[n classes], logits",
        "layout": layout,
        "image_size": model.image_size,
        "channels": model.channels,
        "class_names": list(model.class_names),
        "preparation": {name: step for name, step in model.preparation.items() if name != "normalize"},
        "normalization": "in the graph: (pixels / 255 - mean) / max(std, 1 / 255)",
        "mean": list(model.mean),
        "std": list(model.std),
        "trial": chosen.folder.name,
        "run": None if chosen.run is None else chosen.run.resolve().name,
        "digest": model.digest,
        "data_fingerprint": model.fingerprint,
        "accuracy_percent": model.accuracy,
        "accuracy_standard_error": model.standard_error,
        "validation_images": model.validation,
        "version": made_by["versions"].get("shufflenas"),
        "commit": commit(),
        "exported_by": made_by,
        "trained_by": _trained_by(chosen),
    }


def _trained_by(chosen: ChosenModel) -> Any:
    """Versions and commit of the search, if its folder is there."""
    if chosen.run is None:
        return None
    try:
        found = read_json(chosen.run / "provenance.json")
    except (OutputError, FileNotFoundError):
        return None
    return {name: found.get(name) for name in ("versions", "commit")} if isinstance(found, dict) else None
