"""The spaces: one file for each host network, with its settings and its sizes.

`SPACES` maps a name to a function that gives the class of the space. Being in it enrolls a space in the command line and in the
contract tests. Importing this module does not import torch, nor any space.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nas.errors import SpaceError, unknown_name
from nas.space import SearchSpace
from search_spaces.settings import SpaceSettings

__all__ = ["DEFAULT", "SPACES", "SpaceClass", "register", "space_class"]

DEFAULT = "shufflenet_v2"
"""The space of a search whose settings name none."""


class SpaceClass(Protocol):
    """A class of search spaces that can be enrolled: it names its settings, and makes a space of them."""

    @property
    def settings_class(self) -> type[SpaceSettings]:
        """Its dataclass of settings.

        Every setting has a default, that of `name` the space's. None is called image_size, channels or classes: `settings()` of a
        space holds these beside them.
        """

    def __call__(self, settings: Any, /, *, image_size: int, channels: int, classes: int) -> SearchSpace:
        """The space of these settings for images of this shape, `SpaceError` where there is none."""


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
        name: Of the space.
        load: Gives its class, which stands in a module that workers can import.

    Raises:
        SpaceError: There is a space of this name.
    """
    if name in SPACES:
        raise SpaceError(f"there is a space of the name {name!r} already")
    SPACES[name] = load


def space_class(name: object) -> SpaceClass:
    """The class of a space.

    Raises:
        SpaceError: There is none of this name; lists those there are.
    """
    if not isinstance(name, str) or name not in SPACES:
        raise SpaceError(unknown_name("space", str(name), SPACES))
    return SPACES[name]()
