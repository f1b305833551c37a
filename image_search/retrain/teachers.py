"""The teachers that a person can name: looked at before anything is trained, and made in the worker that trains."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.candidate import Candidate
from nas.errors import OutputError, SettingsError
from nas.values.json_fields import MalformedError, entry, mapping, sequence, shown
from nas.values.json_file import read_json
from nas.values.local_path import local_path, path_fault

if TYPE_CHECKING:
    import torch

    from evaluator.distillation.losses import Teacher
    from evaluator.images.data import DataSummary
    from nas.space import SearchSpace

SUFFIXES = {".onnx": "onnx", ".pt2": "program"}
LEAST_DEVIATION = 1 / 255
"""As in `evaluator.images.augmentation.Normalization`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTeacher:
    """A trained network in a file or folder."""

    form: str
    """model (a folder of a search), onnx or program (of torch.export)."""
    path: Path
    content: str
    """A hash of the files, so that a teacher that has changed is another one."""

    @property
    def key(self) -> str:
        """What distinguishes this teacher."""
        return f"{self.form}:{self.content}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, from which `make_teacher` makes it in another process."""
        return {"form": self.form, "path": str(self.path)}


def given_teacher(name: str, data: DataSummary) -> GivenTeacher:
    """Looks at the teacher that a person has named, and runs it on two empty images.

    Raises:
        SettingsError: There is no such file, it cannot be read, or it is for other images or classes.
    """
    import torch

    from evaluator.distillation.teachers import refuse_unfit

    if fault := path_fault(name):
        raise SettingsError(f"--teacher: {shown(name)} {fault}")
    path = local_path(name).resolve()
    form = "model" if path.is_dir() else SUFFIXES.get(path.suffix)
    if form is None or not path.exists():
        raise SettingsError(
            f"--teacher: {shown(name)} is none of these: none, self, a folder such as RUN/models/8, an .onnx file, a .pt2 file"
        )
    files = [path / "candidate.json", path / "weights.pt"] if form == "model" else [path]
    described = {"form": form, "path": str(path)}
    if form == "model":
        _refuse_other_classes(name, path, data)
    teacher = make_teacher(described, data.mean, data.std, torch.device("cpu"))
    shape: Sequence[object] = getattr(teacher, "shape", ())
    refuse_unfit(path, teacher, data.input_shape[1:], data.classes, shape)
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return GivenTeacher(form=form, path=path, content=digest.hexdigest()[:16])


def _refuse_other_classes(name: str, folder: Path, data: DataSummary) -> None:
    """Refuses a model of a search whose classes or images differ from those of this run."""
    try:
        found = mapping(read_json(folder / "candidate.json"), "candidate.json")
        theirs = mapping(entry(found, "data", "candidate.json"), "candidate.json: data")
        classes = list(sequence(entry(theirs, "class_names", "its data"), "its class_names"))
        size, channels = (entry(theirs, each, "its data") for each in ("image_size", "channels"))
    except FileNotFoundError:
        raise SettingsError(f"--teacher: {shown(name)} is no folder of a model: it has no candidate.json") from None
    except (OutputError, MalformedError) as error:
        raise SettingsError(f"--teacher: {shown(name)} is no folder of a model: {error}") from error
    if classes != list(data.class_names):
        strange = [each for each in classes if each not in data.class_names]
        which = f", such as {shown(strange[0])}" if strange else ""
        raise SettingsError(
            f"--teacher {shown(name)}: knows {len(classes)} classes that are not the {data.classes} of this run{which}"
        )
    if (size, channels) != (data.image_size, data.channels):
        raise SettingsError(
            f"--teacher {shown(name)}: takes images of {size} x {size} pixels and {channels} channels, and those of this run have "
            f"{data.image_size} x {data.image_size} and {data.channels}"
        )


def make_teacher(
    described: Mapping[str, Any],
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
    space: SearchSpace | None = None,
) -> Teacher:
    """Makes a teacher from its description.

    Args:
        described: What `GivenTeacher.to_json` returned; or `form` self, with the `candidate` of a network of this space and the
            `path` of its weights.
        mean: Mean per channel by which the images of the training are normalized.
        std: Standard deviation per channel.
        device: The device of the images.
        space: The space of the run, for the form self.

    Raises:
        NasError: A file cannot be read.
    """
    import torch

    from evaluator.distillation.teachers import ExportedTeacher, NetworkTeacher, OnnxTeacher
    from search_spaces import load_model

    form, path = described["form"], Path(described["path"])
    if form == "onnx":
        return OnnxTeacher(path, device)
    if form == "program":
        return ExportedTeacher(path, device)
    if form == "self":
        assert space is not None
        network = space.build(Candidate.from_json(described["candidate"]))
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return NetworkTeacher(network, device, torch.ones(len(mean)), torch.zeros(len(mean)))
    data = read_json(path / "candidate.json")["data"]
    theirs = [torch.tensor(each, dtype=torch.float64) for each in (data["mean"], data["std"])]
    ours = [torch.tensor(each, dtype=torch.float64) for each in (mean, std)]
    deviation = theirs[1].clamp(min=LEAST_DEVIATION)
    scale, shift = ours[1].clamp(min=LEAST_DEVIATION) / deviation, (ours[0] - theirs[0]) / deviation
    return NetworkTeacher(load_model(path), device, scale.float(), shift.float())
