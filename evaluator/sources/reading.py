"""Opens a source: encoded images and checked labels, split by split.

Tables and hub datasets are opened with the `datasets` library. It is imported only here, and only to decode something; a
decoded set is used without it. Its builder for image folders is not used, since that skips folders and files by their
names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.settings import DataSettings
from evaluator.sources.findings import Findings, shown
from evaluator.sources.image_folders import ImageFolders
from evaluator.sources.raw_splits import Files, Pixels, RawDataset, RawSplit, Table
from evaluator.sources.registry import Source, SourceKind, how_to_get
from evaluator.sources.split_roles import Role, assign_roles
from nas.errors import DataError

LABEL_NAMES = ("label", "fine_label", "labels")
"""Column names that decide if several columns could be the label, the preferred one first."""
HUB_TIMEOUT = 10.0
"""Seconds to wait for the hub before saying that it cannot be reached; the library itself would try for half a minute."""


def read(source: Source, data: DataSettings, scratch: Path) -> RawDataset:
    """Opens a source.

    Args:
        source: The source that was found.
        data: Settings that may name the columns.
        scratch: Folder for intermediate files of local sources; the caller removes it.

    Raises:
        DataError: The source cannot be opened, its columns are ambiguous, or a label is missing or out of range.
    """
    if source.kind is SourceKind.DIGITS:
        return _digits()
    if source.folders is not None:
        return _files(source.folders)
    tables = _load(source, data, scratch)
    roles, surplus = assign_roles(tables, source.known.test_split if source.known is not None else None)
    if Role.TRAIN not in roles:
        raise DataError(f"{source.location} has the splits {', '.join(sorted(tables))}, but none named train")
    findings = Findings()
    for name in surplus:
        findings.add("not used, splits with unknown names", name)
    training = tables[roles[Role.TRAIN]]
    image, label = _columns(training, source, data)
    class_names = _class_names(training, label)
    splits: dict[Role, RawSplit] = {}
    for role, name in roles.items():
        if role is not Role.TRAIN and _unlabeled(tables[name], label):
            findings.add("not used, splits without labels", name)
        else:
            place = f"{source.location}, split {name}"
            splits[role] = _split(tables[name], image, label, class_names, place)
            if not class_names:
                class_names = tuple(str(value) for value in range(int(splits[role].labels.max()) + 1))
    return RawDataset(location=source.location, class_names=class_names, splits=splits, told=findings.sentences())


def _digits() -> RawDataset:
    """The 1,797 bundled images of digits, with their grey levels 0 to 16 scaled to 0 to 255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    split = Pixels(pixels, bunch.target.astype(np.int64), np.arange(len(pixels)))
    names = tuple(str(digit) for digit in range(10))
    return RawDataset(location="digits", class_names=names, splits={Role.TRAIN: split})


def _files(folders: ImageFolders) -> RawDataset:
    """The files in class folders, none of which is opened."""
    splits: dict[Role, RawSplit] = {}
    for role, files in folders.parts.items():
        paths = [path for path, _ in files]
        names = [shown(os.path.relpath(path, folders.root)) for path in paths]
        splits[role] = Files(paths, names, np.array([label for _, label in files], dtype=np.int64))
    return RawDataset(location=str(folders.root), class_names=folders.class_names, splits=splits, broken=folders.broken)


def _load(source: Source, data: DataSettings, scratch: Path) -> Mapping[str, Any]:
    """The splits of a source by name, as `datasets.Dataset`."""
    import datasets

    bars = datasets.are_progress_bars_disabled()
    if source.kind is not SourceKind.HUB:
        datasets.disable_progress_bars()  # a local table is opened quickly, and decoding has a progress bar of its own
    try:
        if source.kind is SourceKind.PARQUET:
            files = {name: list(part) for name, part in source.files}
            return dict(datasets.load_dataset("parquet", data_files=files, cache_dir=str(scratch)))
        _reach_hub(source, data)
        return dict(datasets.load_dataset(source.location))
    except DataError:
        raise
    except Exception as error:  # the library and its readers raise errors of many unrelated classes
        raise DataError(f"{source.location} cannot be opened: {_last_line(error)}") from error
    finally:
        if not bars:
            datasets.enable_progress_bars()


def _reach_hub(source: Source, data: DataSettings) -> None:
    """Checks quickly whether the hub has the dataset and allows access to it.

    Raises:
        DataError: The hub cannot be reached, or refuses access.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        HfApi().dataset_info(source.location, timeout=HUB_TIMEOUT)
    except OfflineModeIsEnabled:
        return  # the person chose to use what an earlier download left behind
    except Exception as error:  # connection, refusal and absence have no base class in common
        raise DataError(
            f"dataset {data.name!r} is not there ({_last_line(error)}): {how_to_get(data, source)}"
        ) from error


def _last_line(error: BaseException) -> str:
    """The last line of the error that began a chain, since the library wraps the cause in errors that say nothing."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _columns(table: Any, source: Source, data: DataSettings) -> tuple[str, str]:
    """Names of the image and the label column.

    Raises:
        DataError: A named column is absent, or not exactly one column could be meant; the message names the columns found.
    """
    import datasets

    features = table.features
    found = ", ".join(f"{name} ({_type_name(feature)})" for name, feature in features.items())
    images = [name for name, feature in features.items() if _holds_images(feature)]
    classes = [name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    numbers = [name for name, feature in features.items() if _type_name(feature).startswith(("int", "uint"))]
    known = source.known
    chosen = []
    for kind, asked, usual, candidates in (
        ("image", data.image_column, (known.image_column,) if known is not None else (), images),
        ("label", data.label_column, (known.label_column,) if known is not None else (), classes or numbers),
    ):
        if asked is not None and asked not in features:
            raise DataError(f"--data.{kind}_column is {asked!r}, but {source.location} has the columns {found}")
        preferred = [name for name in (*usual, *(LABEL_NAMES if kind == "label" else ())) if name in candidates]
        if asked is None and not preferred and len(candidates) != 1:
            raise DataError(
                f"{source.location} has {len(candidates)} columns that could be the {kind} "
                f"({', '.join(candidates) or 'none'}); its columns are {found}; choose one with --data.{kind}_column"
            )
        chosen.append(asked if asked is not None else (preferred or candidates)[0])
    return chosen[0], chosen[1]


def _holds_images(feature: Any) -> bool:
    """Whether a column holds images: it is declared so, or has the bytes and path of a file, or bytes alone."""
    import datasets

    if isinstance(feature, datasets.Image):
        return True
    if isinstance(feature, Mapping):
        return "bytes" in feature and "path" in feature
    return _type_name(feature) in ("binary", "large_binary")


def _type_name(feature: Any) -> str:
    import datasets

    return str(feature.dtype) if isinstance(feature, datasets.Value) else type(feature).__name__


def _class_names(table: Any, label: str) -> tuple[str, ...]:
    """Names of the classes if the dataset declares them, else None."""
    import datasets

    feature = table.features[label]
    return tuple(feature.names) if isinstance(feature, datasets.ClassLabel) else ()


def _raw_labels(table: Any, label: str) -> list[Any]:
    return list(table.select_columns([label])[:][label])


def _unlabeled(table: Any, label: str) -> bool:
    """Whether no image of the split has a label."""
    if label not in table.features:
        return True
    return all(value is None or value == -1 for value in _raw_labels(table, label))


def _split(table: Any, image: str, label: str, class_names: tuple[str, ...], place: str) -> Table:
    """One split with its labels checked.

    Raises:
        DataError: A column is absent, the split is empty, or a label is missing, not an integer, or out of range.
    """
    import datasets

    absent = [name for name in (image, label) if name not in table.features]
    if absent or not len(table):
        raise DataError(f"{place} has no {'column ' + absent[0] if absent else 'rows'}")
    highest = len(class_names) - 1 if class_names else len(table) - 1
    values = _raw_labels(table, label)
    for row, value in enumerate(values):
        if not isinstance(value, int) or not 0 <= value <= highest:
            allowed = f"0 to {highest}" + (f", the {len(class_names)} classes it names" if class_names else "")
            raise DataError(f"{place}: row {row} has the label {value!r} in column {label!r}; allowed: {allowed}")
    images = table.select_columns([image])
    if isinstance(table.features[image], datasets.Image):
        images = images.cast_column(image, datasets.Image(decode=False))
    return Table(images, image, np.asarray(values, dtype=np.int64), place, np.arange(len(values)))
