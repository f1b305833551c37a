"""Search spaces: what can be built, and the way from a genotype to a network.

Importing this module does not import torch; building or loading a network does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.errors import SpaceError, unknown_name
from nas.space import SearchSpace
from search_spaces.given_settings import owners, settings_of
from search_spaces.settings import SpaceSettings
from search_spaces.spaces import DEFAULT, SPACES, SpaceClass, register, space_class

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "SPACES",
    "SpaceSettings",
    "compact",
    "load_model",
    "make_space",
    "register",
    "setting_faults",
    "space_for_workers",
    "space_from_json",
    "space_in_worker",
    "space_settings",
]

IMAGE = ("image_size", "channels", "classes")


def space_settings(name: str = DEFAULT, **given: Any) -> SpaceSettings:
    """Makes the settings of a space; settings that are not given have their defaults.

    Raises:
        SpaceError: The name is unknown, no space has a setting, or only other spaces have it and its value is not the default.
    """
    return settings_of(space_class(name).settings_class, {"name": name, **given})


def make_space(settings: SpaceSettings, *, image_size: int, channels: int, classes: int) -> SearchSpace:
    """Makes the space of these settings.

    Args:
        settings: An object of the settings class of the space that it names.
        image_size: Side length of the images in pixels, 8 or more.
        channels: Number of channels of the images.
        classes: Number of classes, 2 or more.

    Raises:
        SpaceError: The name is unknown, or settings are wrong or fit no network; the message lists every fault.
    """
    return space_class(settings.name)(settings, image_size=image_size, channels=channels, classes=classes)


def space_from_json(data: Mapping[str, Any]) -> SearchSpace:
    """Makes the space from the JSON that its `settings()` returned; absent settings have their defaults.

    Settings of other spaces are ignored, since earlier versions wrote those of all spaces.

    Raises:
        SpaceError: A key is unknown, the name or the image's shape is missing, or a setting is wrong.
    """
    if "name" not in data:
        raise SpaceError("not the settings of a space: 'name' is missing")
    return _space_of(space_class(data["name"]), data)


def _space_of(made: SpaceClass, data: Mapping[str, Any]) -> SearchSpace:
    own = [field.name for field in fields(made.settings_class)]
    strange = [key for key in data if key not in (*own, *IMAGE) and not owners(key)]
    found = [unknown_name("setting of a space", key, (*own, *IMAGE)) for key in strange]
    found += [f"{key!r} is missing" for key in IMAGE if key not in data]
    if found:
        raise SpaceError("not the settings of a space: " + "; ".join(found))
    settings = settings_of(made.settings_class, {key: value for key, value in data.items() if key in own})
    return made(settings, **{key: data[key] for key in IMAGE})


def space_for_workers(space: SearchSpace) -> dict[str, Any]:
    """A space as plain JSON, from which another process of the same search makes it again, even if it is not enrolled there.

    Raises:
        SpaceError: The class of the space is in a place from which no other process can import it.
    """
    made = type(space)
    if made.__module__ == "__main__" or "<locals>" in made.__qualname__:
        raise SpaceError(
            f"workers cannot import the class {made.__qualname__} of the space {space.name}; put it into a module of its own"
        )
    return {"class": f"{made.__module__}:{made.__qualname__}", "settings": space.settings()}


def space_in_worker(data: Mapping[str, Any]) -> SearchSpace:
    """Makes the space that `space_for_workers` described, in a process of the same search; never used with files."""
    module, _, name = data["class"].partition(":")
    made: SpaceClass = getattr(import_module(module), name)
    return _space_of(made, data["settings"])


def setting_faults(settings: SpaceSettings) -> list[str]:
    """What is wrong with the settings, whatever the images are: one sentence for each fault."""
    if settings.name not in SPACES:
        return ["--space.name: " + unknown_name("space", settings.name, SPACES)]
    return [f"--{fault}" for fault in settings.faults()]


def load_model(folder: str | Path, *, compact: bool = False) -> nn.Module:
    """Loads a trained network, on the CPU and in evaluation mode.

    Args:
        folder: Folder that holds `candidate.json`, with the objects `space` (`SearchSpace.settings()`) and `candidate`
            (`Candidate.to_json()`), and `weights.pt`, a state dict. Other keys and files are ignored.
        compact: Whether to return the deployed form of the network; see `compact`.

    Raises:
        OutputError: A file is missing, malformed, or does not fit the other; the message says which file and why.
    """
    from search_spaces.stored_model import load_model as load

    model = load(folder)
    if not compact:
        return model
    from search_spaces.deployment import compact as deploy

    return deploy(model)


def compact(model: nn.Module) -> nn.Module:
    """The deployed form of a trained network, for evaluation only, with the same outputs up to rounding.

    Batch norms are folded into the convolutions before them, and other norms become a scale and a shift per channel;
    learned matrices become index maps, and generators lose what only training needs. The costs of the deployed network are:

    * Multiply-adds are those of the objective `macs`, except for generators whose input is constant, which are not run at all.
    * A folded convolution has a bias where there were a norm's weight and bias, so that there is one parameter less than in the
      objective `params` for each channel that is normed after a convolution. Generators whose standardization could not be
      folded (share generator) have two more for each of their inputs.

    Two things can make an image's outputs differ by more than rounding: a generated logit that is equal to another of its
    row up to rounding, and an evaluation mode other than the hard one, since the deployed network is hard.

    Args:
        model: A network of these spaces, or any network of convolutions, norms, mixers and modules without training
            state. It is not changed. It may be on any device, also on the meta device, where costs are counted.

    Raises:
        DeploymentError: A module has no deployed form; the message names it.
    """
    from search_spaces.deployment import compact as deploy

    return deploy(model)
