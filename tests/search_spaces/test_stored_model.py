from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nas.errors import OutputError
from search_spaces import SPACES, compact, load_model, make_space, space_settings
from tests.search_spaces.genotypes import draw


def store(folder: Path, name: str, width: float, seed: int = 0) -> nn.Module:
    """What a search leaves of a trained network; its norms have seen data."""
    settings = space_settings(name=name, widths=(width,), units=((1,),) * (4 if name == "mobilenet_v2" else 3))
    space = make_space(settings, image_size=8, channels=1, classes=4)
    candidate = space.decode(draw(space, random.Random(seed)))
    model: nn.Module = space.build(candidate)
    model.train()(torch.randn(8, 1, 8, 8))
    folder.mkdir(exist_ok=True)
    description = {"space": space.settings(), "candidate": candidate.to_json(), "accuracy": 12.5}
    (folder / "candidate.json").write_text(json.dumps(description))
    torch.save(model.state_dict(), folder / "weights.pt")
    return model.eval()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "width"), [("shufflenet_v1", 0.5), ("shufflenet_v2", 16), ("resnet_cifar", 0.5), ("mobilenet_v2", 0.25)]
)
def test_a_stored_network_comes_back_in_evaluation_mode_with_the_same_outputs(
    name: str, width: float, seed: int, tmp_path: Path
) -> None:
    assert name in SPACES
    model, x = store(tmp_path, name, width, seed), torch.randn(3, 1, 8, 8)
    loaded = load_model(str(tmp_path))
    assert not loaded.training
    assert torch.equal(loaded(x), model(x))


def test_a_stored_network_comes_back_in_its_deployed_form_if_so_asked(tmp_path: Path) -> None:
    model, x = store(tmp_path, "shufflenet_v2", 16), torch.randn(3, 1, 8, 8)
    loaded = load_model(tmp_path, compact=True)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in loaded.modules())
    torch.testing.assert_close(loaded(x), model(x))
    expected = compact(model).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in loaded.state_dict().items())


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "candidate.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no candidate.json in .*models/TRIAL is needed"):
        load_model(tmp_path / "nowhere")
    store(tmp_path, "shufflenet_v2", 16)
    (tmp_path / "weights.pt").unlink()
    with pytest.raises(OutputError, match=r"no weights.pt in"):
        load_model(tmp_path)


def test_a_foreign_candidate_is_refused(tmp_path: Path) -> None:
    store(tmp_path, "shufflenet_v2", 16)
    for change, match in (
        ({"space": {"name": "resnet"}}, "does not describe a network of these spaces"),
        ({"candidate": {"space": "shufflenet_v2"}}, "does not describe a network of these spaces"),
        ({"candidate": [1, 2]}, "must hold the objects 'space' and 'candidate'"),
    ):
        before = (tmp_path / "candidate.json").read_text()
        rewrite(tmp_path, **change)
        with pytest.raises(OutputError, match=match):
            load_model(tmp_path)
        (tmp_path / "candidate.json").write_text(before)
    for text, match in (("{", "is not JSON"), ("[]", "is not a candidate of a search")):
        (tmp_path / "candidate.json").write_text(text)
        with pytest.raises(OutputError, match=match):
            load_model(tmp_path)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    store(tmp_path / "a", "shufflenet_v2", 16)
    store(tmp_path / "b", "shufflenet_v2", 24)
    weights = tmp_path / "a" / "weights.pt"
    weights.write_bytes((tmp_path / "b" / "weights.pt").read_bytes())
    with pytest.raises(OutputError, match="holds the weights of another network"):
        load_model(tmp_path / "a")
    torch.save([1, 2], weights)
    with pytest.raises(OutputError, match="0 tensors, for one of 3 units"):
        load_model(tmp_path / "a")
    weights.write_bytes(b"not weights")
    with pytest.raises(OutputError, match="is not a file of weights"):
        load_model(tmp_path / "a")
    weights.write_bytes(b"")
    with pytest.raises(OutputError, match="is not a file of weights"):
        load_model(tmp_path / "a")
