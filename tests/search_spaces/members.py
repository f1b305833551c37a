"""Random members of every space, one or more for each kind of convolutions, mixer and transformation that it may choose."""

from __future__ import annotations

import random
from collections.abc import Iterator

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.space import SearchSpace
from search_spaces import make_space, space_settings
from search_spaces.blocks import BLOCKS
from search_spaces.blocks.spec import NORMALIZERS, SHARES, SUM_LEVELS
from search_spaces.reconstruction import TRANSFORMATIONS
from tests.search_spaces.any_space import published_units
from tests.search_spaces.genotypes import draw

WIDTHS: dict[str, tuple[float, ...]] = {
    "shufflenet_v2": (16, 24, 48),
    "resnet50": (0.125, 0.25),
    "vgg16": (0.125, 0.25),
    "densenet_cifar": (4, 8),
}
"""With which the networks are quickly run."""
SLOW = ("densenet_cifar", "mobilenet_v2", "resnet50")
"""That have one unit a stage here."""
NOT_DEFAULT = {"shufflenet_v2": ("dense", "static_dynamic")}
"""Of convolutions, where not all that a space has are its default."""


def whole_space(name: str, image_size: int) -> SearchSpace:
    """With everything that it may choose, but for hard rows by assignment, which are found in Python."""
    settings = space_settings(
        name=name,
        widths=WIDTHS.get(name, (0.25, 0.5, 1.0)),
        units=((1,) if name in SLOW else (1, 2),) * len(published_units(name)),
        convolutions=NOT_DEFAULT.get(name),
        mixers=tuple(BLOCKS),
        normalizers=NORMALIZERS,
        shares=SHARES,
        sum_levels=SUM_LEVELS,
    )
    return make_space(settings, image_size=image_size, channels=3, classes=10)


def members(space: SearchSpace, rng: random.Random) -> Iterator[tuple[str, Candidate]]:
    """For each kind a member that has it in every stage and is random otherwise, after what it is called."""
    choices = {
        dimension.name.partition(".")[2]: getattr(dimension, "choices", ())
        for dimension in space.dimensions
        if dimension.name.startswith("stage1.")
    }
    kinds = choices.get("convolution", ("dense",))
    of_kind: list[dict[str, Scalar]] = []
    for kind in kinds:
        if kind == "reconstructed":
            of_kind += [
                {"convolution": kind, "transformation": each, "filter_groups": groups}
                for each in TRANSFORMATIONS
                for groups in choices["filter_groups"]
            ]
        elif kind == "grouped" or (kind == "dense" and "grouped" not in kinds):
            of_kind += [{"convolution": kind, "mixer": mixer} for mixer in choices["mixer"]]
        else:
            of_kind.append({"convolution": kind})
    for decided in of_kind:
        genotype = draw(space, rng)
        for name in genotype:
            genotype[name] = decided.get(name.partition(".")[2], genotype[name])
        yield " ".join(str(value) for value in decided.values()), space.decode(genotype)
