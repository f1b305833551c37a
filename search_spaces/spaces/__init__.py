"""The spaces: one file for each host network, with its settings and its sizes.

`SPACES` maps a name to a function that returns the class of the space. An entry in it enrolls a space in the command line
and in the contract tests. Importing this module does not import torch, nor any space.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nas.errors import SpaceError, unknown_name
from nas.space import SearchSpace
from search_spaces.settings import SpaceSettings

__all__ = ["DEFAULT", "SPACES", "SpaceClass", "register", "space_class"]

DEFAULT = "shufflenet_v2"
"""The space that is searched if the settings name none."""


class SpaceClass(Protocol):
    """A class of search spaces that can be enrolled: it has a class of settings, and makes a space from them."""

    @property
    def settings_class(self) -> type[SpaceSettings]:
        """The space's dataclass of settings.

        Every setting has a default; that of `name` is the space's name. No setting is called image_size, channels or
        classes, since `settings()` of a space holds these too.
        """

    def __call__(self, settings: Any, /, *, image_size: int, channels: int, classes: int) -> SearchSpace:
        """Makes the space of these settings for images of this shape; raises a `SpaceError` if there is none."""


def _shufflenet_v1() -> SpaceClass:
    from search_spaces.spaces.shufflenet_v1 import ShuffleNetV1Space

    return ShuffleNetV1Space


def _shufflenet_v2() -> SpaceClass:
    from search_spaces.spaces.shufflenet_v2 import ShuffleNetV2Space

    return ShuffleNetV2Space


def _resnet_cifar() -> SpaceClass:
    from search_spaces.spaces.resnet_cifar import ResNetCifarSpace

    return ResNetCifarSpace


def _resnet50() -> SpaceClass:
    from search_spaces.spaces.resnet50 import ResNet50Space

    return ResNet50Space


def _vgg16() -> SpaceClass:
    from search_spaces.spaces.vgg16 import VGG16Space

    return VGG16Space


def _densenet_cifar() -> SpaceClass:
    from search_spaces.spaces.densenet_cifar import DenseNetCifarSpace

    return DenseNetCifarSpace


def _mobilenet_v2() -> SpaceClass:
    from search_spaces.spaces.mobilenet_v2 import MobileNetV2Space

    return MobileNetV2Space


SPACES: dict[str, Callable[[], SpaceClass]] = {
    "shufflenet_v1": _shufflenet_v1,
    "shufflenet_v2": _shufflenet_v2,
    "resnet_cifar": _resnet_cifar,
    "mobilenet_v2": _mobilenet_v2,
    "resnet50": _resnet50,
    "vgg16": _vgg16,
    "densenet_cifar": _densenet_cifar,
}


def register(name: str, load: Callable[[], SpaceClass]) -> None:
    """Enrolls a space of one's own, so that `--space.name` finds it.

    Args:
        name: Name of the space.
        load: Returns its class, which must be in a module that workers can import.

    Raises:
        SpaceError: There is already a space of this name.
    """
    if name in SPACES:
        raise SpaceError(f"there is a space of the name {name!r} already")
    SPACES[name] = load


def space_class(name: object) -> SpaceClass:
    """The class of a space.

    Raises:
        SpaceError: There is no space of this name; the message lists all names.
    """
    if not isinstance(name, str) or name not in SPACES:
        raise SpaceError(unknown_name("space", str(name), SPACES))
    return SPACES[name]()
