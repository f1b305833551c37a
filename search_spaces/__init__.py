"""Search spaces: what can be built, and the way from a genotype to a network.

`SPACES` maps a name to a function that gives the class of the space. Importing this module does not import torch; building or
loading a network does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.errors import SpaceError, unknown_name
from nas.space import SearchSpace
from search_spaces.settings import SpaceSettings

if TYPE_CHECKING:
    from torch import nn

    from search_spaces.shuffle_space import ShuffleSpace

__all__ = ["SPACES", "SpaceSettings", "compact", "load_model", "make_space", "setting_faults", "space_from_json"]


def _shufflenet_v1() -> type[ShuffleSpace]:
    from search_spaces.spaces.shufflenet_v1 import ShuffleNetV1Space

    return ShuffleNetV1Space


def _shufflenet_v2() -> type[ShuffleSpace]:
    from search_spaces.spaces.shufflenet_v2 import ShuffleNetV2Space

    return ShuffleNetV2Space


def _resnet_cifar() -> type[ShuffleSpace]:
    from search_spaces.spaces.resnet_cifar import ResNetCifarSpace

    return ResNetCifarSpace


def _resnet50() -> type[ShuffleSpace]:
    from search_spaces.spaces.resnet50 import ResNet50Space

    return ResNet50Space


def _vgg16() -> type[ShuffleSpace]:
    from search_spaces.spaces.vgg16 import VGG16Space

    return VGG16Space


def _densenet_cifar() -> type[ShuffleSpace]:
    from search_spaces.spaces.densenet_cifar import DenseNetCifarSpace

    return DenseNetCifarSpace


def _mobilenet_v2() -> type[ShuffleSpace]:
    from search_spaces.spaces.mobilenet_v2 import MobileNetV2Space

    return MobileNetV2Space


SPACES: dict[str, Callable[[], type[ShuffleSpace]]] = {
    "shufflenet_v1": _shufflenet_v1,
    "shufflenet_v2": _shufflenet_v2,
    "resnet_cifar": _resnet_cifar,
    "mobilenet_v2": _mobilenet_v2,
    "resnet50": _resnet50,
    "vgg16": _vgg16,
    "densenet_cifar": _densenet_cifar,
}


def make_space(settings: SpaceSettings, *, image_size: int, channels: int, classes: int) -> SearchSpace:
    """The space of these settings.

    Args:
        settings: What may be chosen.
        image_size: Side length of the images in pixels, 8 or more.
        channels: Of the images.
        classes: Number of classes, 2 or more.

    Raises:
        SpaceError: The name is unknown, or settings are wrong or fit no network; every fault is listed.
    """
    if settings.name not in SPACES:
        raise SpaceError(unknown_name("space", settings.name, SPACES))
    return SPACES[settings.name]()(settings, image_size=image_size, channels=channels, classes=classes)


def space_from_json(data: Mapping[str, Any]) -> SearchSpace:
    """The space whose `settings()` these are; settings that are absent take their defaults.

    Raises:
        SpaceError: A key is unknown, the name or the image's shape is missing, or a setting is wrong.
    """
    image = ("image_size", "channels", "classes")
    known = {field.name for field in fields(SpaceSettings)}
    found = [unknown_name("setting of a space", key, (*known, *image)) for key in data if key not in (*known, *image)]
    found += [f"{key!r} is missing" for key in ("name", *image) if key not in data]
    if found:
        raise SpaceError("not the settings of a space: " + "; ".join(found))
    settings = SpaceSettings(**{key: _tuples(value) for key, value in data.items() if key in known})
    return make_space(settings, **{key: data[key] for key in image})


def load_model(folder: str | Path, *, compact: bool = False) -> nn.Module:
    """A trained network, on the CPU and in evaluation mode.

    Args:
        folder: Holds `candidate.json`, with the objects `space` (`SearchSpace.settings()`) and `candidate`
            (`Candidate.to_json()`), and `weights.pt`, a state dict. Other keys and files are ignored.
        compact: Whether the network is wanted in its deployed form, see `compact`.

    Raises:
        OutputError: A file is missing, is something else, or does not fit the other; it says which and why.
    """
    from search_spaces.stored_model import load_model as load

    model = load(folder)
    if not compact:
        return model
    from search_spaces.deployment import compact as deploy

    return deploy(model)


def compact(model: nn.Module) -> nn.Module:
    """The deployed form of a trained network: for evaluation alone, with the same outputs up to rounding.

    Batch norms are folded into the convolutions before them, other norms become a scale and a shift a channel; learned
    matrices become index maps, generators lose what only training needs. What follows for the cost:

    * Multiply-adds are those of the objective `macs`, but for generators whose input is constant: they are not run at all.
    * A folded convolution has a bias where there were a norm's weight and bias, so that there is one parameter less than in the
      objective `params` for each channel that is normed after a convolution. Generators whose standardization could not be
      folded (share generator) have two more for each of their inputs.

    Two things can make an image's outputs differ by more than rounding: a generated logit that ties with another of its row but for
    rounding, and a reading other than the hard one, since what is deployed is hard.

    Args:
        model: A network of these spaces, or any that is made of convolutions, norms, mixers and modules without state of
            training. Not changed. On any device, the meta device too, where costs are counted.

    Raises:
        DeploymentError: Something in it has no deployed form; says what.
    """
    from search_spaces.deployment import compact as deploy

    return deploy(model)


def _tuples(value: Any) -> Any:
    """The value with lists as tuples, as the settings have them."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def setting_faults(settings: SpaceSettings) -> list[str]:
    """What is wrong with the settings, whatever the images are, one sentence each; empty when nothing is."""
    from search_spaces.validation import setting_faults as faults

    if settings.name not in SPACES:
        return ["--space.name: " + unknown_name("space", settings.name, SPACES)]
    stages = len(SPACES[settings.name]().published_units)
    return [f"--{fault}" for fault in faults(settings, stages=stages)]
