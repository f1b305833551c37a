"""Models that a stranger has made are refused in one short line, before anything is built."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.errors import NasError
from search_spaces import load_model, make_space, space_settings
from search_spaces.stored_model import MOST_CHARACTERS
from tests.search_spaces.genotypes import draw
from tests.search_spaces.test_stored_model import store


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    store(folder, "resnet_cifar", 0.5, 1)
    return folder


def changed(**entries: Any) -> Callable[[Path], object]:
    """Entries of the description set by their path, such as `space__units`."""

    def change(folder: Path) -> None:
        path = folder / "candidate.json"
        data = json.loads(path.read_text())
        for name, value in entries.items():
            *outer, last = name.split("__")
            place = data
            for key in outer:
                place = place[key]
            place[last] = value
        path.write_text(json.dumps(data))

    return change


def decided(**decisions: Any) -> Callable[[Path], object]:
    """Decisions of the architecture, with `_` for the point in their names."""

    def change(folder: Path) -> None:
        path = folder / "candidate.json"
        data = json.loads(path.read_text())
        data["candidate"]["architecture"] |= {name.replace("_", ".", 1): value for name, value in decisions.items()}
        path.write_text(json.dumps(data))

    return change


def description(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "candidate.json").write_text(text)


def replaced(name: str, text: str) -> Callable[[Path], object]:
    """A piece of the description's text put in the place of another."""

    def change(folder: Path) -> None:
        path = folder / "candidate.json"
        before = path.read_text()
        assert name in before
        path.write_text(before.replace(name, text, 1))

    return change


def weights(make: Callable[[dict[str, Any]], Any]) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        state = torch.load(folder / "weights.pt", weights_only=True)
        torch.save(make(dict(state)), folder / "weights.pt")

    return change


def content(name: str, make: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(make((folder / name).read_bytes()))


def instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def packed(folder: Path) -> None:
    """The same archive, its parts compressed: a small one may hold as much as it likes."""
    path = folder / "weights.pt"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def first(state: dict[str, Any], make: Callable[[torch.Tensor], Any]) -> dict[str, Any]:
    name = next(name for name, tensor in state.items() if tensor.dim() == 4)
    return {**state, name: make(state[name])}


STRANGE: dict[str, Callable[[Path], object]] = {
    "units of 10^9 in the candidate": decided(stage1_units=10**9),
    "units of 10^9 in the space": changed(space__units=[[10**9]] * 3),
    "units of 10^9 in both": lambda folder: (
        decided(stage1_units=10**9)(folder),
        changed(space__units=[[10**9]] * 3)(folder),
    ),
    "more units than tensors": lambda folder: (decided(stage1_units=250)(folder), decided(stage2_units=250)(folder)),
    "a width of 10^9": changed(candidate__architecture__width=10**9, space__widths=[10**9]),
    "widths of 10^9 in the space": changed(space__widths=[0.5, 10**9], candidate__architecture__width=10**9),
    "a width of 10^3": changed(candidate__architecture__width=1000.0),
    "a width that is a text": changed(candidate__architecture__width="wide"),
    "a width that is an integer of 300 digits": changed(candidate__architecture__width=10**300),
    "classes of 10^10": changed(space__classes=10**10),
    "classes of 10^6": changed(space__classes=10**6),
    "classes that are no integer": changed(space__classes=4.5),
    "images of 10^9 channels": changed(space__channels=10**9),
    "a kron rank of 10^9": decided(stage1_convolution="static_dynamic", stage1_kron_rank=10**9),
    "a kernel of 10^9": changed(space__stem_kernel=10**9),
    "a list of a million widths": changed(space__widths=list(range(1, 1_000_000))),
    "a list in a list": changed(space__mixers=[["fixed"]]),
    "null for the space": changed(space=None),
    "null for a setting": changed(space__mixers=None),
    "a number for a name": changed(space__name=7),
    "another space": changed(candidate__space="shufflenet_v2"),
    "a list for the architecture": changed(candidate__architecture=[1]),
    "an object for a decision": changed(candidate__architecture__width={"a": 1}),
    "an unknown setting of 10^6 characters": changed(**{"space__" + "x" * 1_000_000: 1}),
    "an infinite width": replaced('"width": 0.5', '"width": Infinity'),
    "a width of 1e999": replaced('"width": 0.5', '"width": 1e999'),
    "a width that is not a number": replaced('"width": 0.5', '"width": NaN'),
    "a name twice": replaced('"width": 0.5', '"width": 0.5, "width": 0.5'),
    "an integer of 5,000 digits": replaced('"width": 0.5', '"width": ' + "9" * 5000),
    "nested without end": description("[" * 100_000 + "]" * 100_000),
    "nested objects without end": description('{"space":' * 100_000 + "1" + "}" * 100_000),
    "an empty description": description(""),
    "a description that is no text": content("candidate.json", lambda _: b"\xff\xfe\x00"),
    "a pipe for a description": instead("candidate.json", os.mkfifo),
    "a device for a description": instead("candidate.json", lambda path: path.symlink_to("/dev/zero")),
    "a folder for a description": instead("candidate.json", Path.mkdir),
    "a socket for a description": instead("candidate.json", listening),
    "a link to itself for a description": instead("candidate.json", lambda path: path.symlink_to(path.name)),
    "a file of 2^40 bytes for a description": instead("candidate.json", sparse_file),
    "a pipe for weights": instead("weights.pt", os.mkfifo),
    "a device for weights": instead("weights.pt", lambda path: path.symlink_to("/dev/zero")),
    "a folder for weights": instead("weights.pt", Path.mkdir),
    "a socket for weights": instead("weights.pt", listening),
    "a file of 2^40 bytes for weights": instead("weights.pt", sparse_file),
    "no bytes for weights": content("weights.pt", lambda _: b""),
    "half of the weights": content("weights.pt", lambda data: data[: len(data) // 2]),
    "all but the last bytes of the weights": content("weights.pt", lambda data: data[:-30]),
    "a bit turned in the weights": content(
        "weights.pt", lambda d: d[: len(d) // 2] + bytes([d[len(d) // 2] ^ 1]) + d[len(d) // 2 + 1 :]
    ),
    "compressed weights": packed,
    "an empty dict": weights(lambda _: {}),
    "a list for weights": weights(lambda _: [1, 2]),
    "a key that is no text": weights(lambda state: {**state, 7: torch.zeros(1)}),
    "a key that is no text alone": weights(lambda state: {n: t for n, t in enumerate(state.values())}),  # noqa: C416
    "a key of 10^5 characters": weights(lambda state: {**state, "x" * 100_000: torch.zeros(1)}),
    "weights less": weights(lambda state: dict(list(state.items())[:-1])),
    "weights more": weights(lambda state: {**state, "more": torch.zeros(1)}),
    "weights of another kind": weights(lambda state: first(state, torch.Tensor.double)),
    "weights of another shape": weights(lambda state: first(state, lambda tensor: tensor[:, :, :1])),
    "weights that are views of one number": weights(lambda s: first(s, lambda t: torch.zeros(1).expand(10**5, 10**6))),
    "sparse weights of 10^12": weights(
        lambda state: first(
            state,
            lambda _: torch.sparse_coo_tensor(
                torch.zeros(2, 1).long(), torch.ones(1), (10**6, 10**6), check_invariants=False
            ),
        )
    ),
    "weights without numbers": weights(lambda state: first(state, lambda tensor: tensor.to("meta"))),
    "a text for weights": weights(lambda state: first(state, lambda _: "heavy")),
    "an object of some class": weights(lambda state: {**state, "more": space_settings()}),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_model_is_refused_in_one_short_line(what: str, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    STRANGE[what](folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NasError) as caught:
        load_model(folder)
    assert len(str(caught.value)) <= MOST_CHARACTERS
    assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # KiB


def test_learned_orders_that_are_none_are_refused(tmp_path: Path) -> None:
    settings = space_settings(name="resnet_cifar", widths=(0.5,), units=((1,),) * 3, convolutions=("learned_groups",))
    space = make_space(settings, image_size=8, channels=1, classes=4)
    candidate = space.decode(draw(space, random.Random(0)))
    (tmp_path / "candidate.json").write_text(json.dumps({"space": space.settings(), "candidate": candidate.to_json()}))
    state = space.build(candidate).state_dict()
    torch.save(state, tmp_path / "weights.pt")
    load_model(tmp_path)
    for name, value in (("level", 10**15), ("level", 0), ("row_order", 0), ("column_order", 10**9)):
        key = next(key for key in state if key.endswith(f".{name}"))
        torch.save({**state, key: torch.full_like(state[key], value)}, tmp_path / "weights.pt")
        with pytest.raises(NasError, match="a level outside of 1 to"):
            load_model(tmp_path)
