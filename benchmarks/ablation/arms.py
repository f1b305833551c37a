"""The arms: one network trained in different ways, each of which controls for one explanation of a dynamic shuffle's gain.

The list follows from what a claim about the dynamic shuffle needs. The shuffle adds input dependence of the
squeeze-and-excitation kind, parameters and a little arithmetic, so that "dynamic beats fixed" alone would show nothing
about shuffling.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from benchmarks.ablation.settings import AblationSettings
from evaluator.measuring.cost import NetworkCost, count_cost
from nas.candidate import Candidate
from nas.errors import SettingsError
from search_spaces.blocks import BLOCKS, BlendSpec, GeneratorSpec, MixerSpec, Relaxation
from search_spaces.blocks.restored_shuffle import RestoredShuffle
from search_spaces.hosts.host import Host
from search_spaces.hosts.shufflenet_v2 import SHUFFLE_GROUPS, SplitUnit, shufflenet_v2
from search_spaces.ranks import factor_pairs

HARD = Relaxation()
TWO = BlendSpec()
USUAL = GeneratorSpec()
VARIED = GeneratorSpec(spread=0.1, standardize=True)
"""A generator with which permutations differ between images from the start; with the usual one they never left the identity in
short trainings.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of mixing channels in every unit."""

    mixer: str
    main: bool = True
    """Whether the arm is trained with all seeds."""
    widen: str | None = None
    """macs or params: the network is widened until it costs at least as much of this as the dynamic one."""
    generator: GeneratorSpec = USUAL
    relaxation: Relaxation = HARD
    """How the permutations are learned; the initial temperature is the ablation's."""
    blend: BlendSpec = TWO
    stages: tuple[int, ...] = (0, 1, 2)
    """Stages, counted from 0, that have this mixer; the others keep the host's shuffle."""
    restored: bool = False
    """Whether units that process half of their channels put these back in their places."""


ARMS: dict[str, Arm] = {
    "fixed": Arm(mixer="fixed"),
    "fixed_macs": Arm(mixer="fixed", widen="macs"),
    "fixed_params": Arm(mixer="fixed", widen="params"),
    "squeeze_excitation": Arm(mixer="squeeze_excitation"),
    "dynamic": Arm(mixer="dynamic"),
    "dynamic_varied": Arm(mixer="dynamic", generator=VARIED),
    "constant": Arm(mixer="dynamic", generator=GeneratorSpec(source="constant")),
    "random_each": Arm(mixer="random_each", main=False),
    "soft": Arm(mixer="dynamic", generator=VARIED, relaxation=Relaxation(binarize_from=1.0), main=False),
    "static_full": Arm(mixer="static_full", main=False),
    "static_dynamic": Arm(mixer="static_dynamic", main=False),
    "static_matrix": Arm(mixer="static_matrix", main=False),
    "squeeze_excitation_neutral": Arm(mixer="squeeze_excitation", generator=GeneratorSpec(neutral=True), main=False),
    "attached": Arm(mixer="dynamic", generator=GeneratorSpec(detach=False), main=False),
    "standardized": Arm(mixer="dynamic", generator=GeneratorSpec(standardize=True), main=False),
    "gated": Arm(mixer="dynamic", relaxation=Relaxation(estimator="gated"), main=False),
    "annealed": Arm(mixer="dynamic", relaxation=Relaxation(final_temperature=0.1), main=False),
    "annealed_soft": Arm(mixer="dynamic", relaxation=Relaxation(final_temperature=0.1, binarize_from=0.5), main=False),
    "late": Arm(mixer="dynamic", relaxation=Relaxation(learned_from=0.6), main=False),
    "restored": Arm(mixer="dynamic", restored=True, main=False),
    "restored_varied": Arm(mixer="dynamic", generator=VARIED, restored=True, main=False),
    "blend": Arm(mixer="blend", main=False),
    "blend_softmax": Arm(mixer="blend", blend=BlendSpec(permutations=4, bound="softmax"), main=False),
    "kronecker_blend": Arm(mixer="kronecker_blend", main=False),
    "stage1": Arm(mixer="dynamic", stages=(0,), main=False),
    "stage2": Arm(mixer="dynamic", stages=(1,), main=False),
    "stage3": Arm(mixer="dynamic", stages=(2,), main=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images that a network must fit."""

    size: int
    channels: int
    classes: int


def build(arm: str, settings: AblationSettings, images: Images, stage_channels: tuple[int, ...] | None = None) -> Host:
    """The arm's untrained network from torch's current seed. Equal seeds give arms of equal width the same host weights.

    Args:
        arm: Name of the arm in `ARMS`.
        settings: The network and how its shuffles are learned.
        images: The images that the network must fit.
        stage_channels: Number of outputs of each stage. Default: doubled twice.
    """
    chosen = ARMS[arm]
    channels = stage_channels or usual_channels(settings)
    host = shufflenet_v2(
        stage_channels=channels,
        units=tuple(settings.units),
        form="small",
        stem_kernel=3,
        channels=images.channels,
        classes=images.classes,
    )
    if chosen.mixer == "fixed":
        return host
    relaxation = replace(chosen.relaxation, temperature=settings.temperature)
    for stage in chosen.stages:
        count = channels[stage]
        n1, n2 = factor_pairs(count // settings.groups, count)[0]
        spec = MixerSpec(
            channels=count,
            host_groups=SHUFFLE_GROUPS,
            groups=settings.groups,
            n1=n1,
            n2=n2,
            generator=replace(chosen.generator, reduction=settings.reduction),
            relaxation=relaxation,
            blend=chosen.blend,
        )
        if chosen.restored:
            restore(host, stage, spec)
        else:
            host.replace_mixers(stage, partial(_mixer, chosen.mixer, spec))
    return host


def restore(host: Host, stage: int, spec: MixerSpec) -> None:
    """Puts a restored shuffle around each unit of a stage that processes half of its channels."""
    units = host.stages[stage]
    assert isinstance(units, nn.Sequential)
    for position, unit in enumerate(units):
        if isinstance(unit, SplitUnit):
            unit.mixer = nn.Identity()
            units[position] = RestoredShuffle(
                unit, groups=spec.groups, n1=spec.n1, n2=spec.n2, generator=spec.generator, relaxation=spec.relaxation
            )


def _mixer(kind: str, spec: MixerSpec, channels: int) -> nn.Module:
    assert channels == spec.channels
    return BLOCKS[kind](spec)


def usual_channels(settings: AblationSettings) -> tuple[int, ...]:
    """Number of outputs of each stage, doubled twice."""
    return (settings.width, 2 * settings.width, 4 * settings.width)


def stage_channels(arm: str, settings: AblationSettings, images: Images) -> tuple[int, ...]:
    """Number of outputs of each stage of the arm's network.

    A widened arm has the cheapest even numbers near the usual proportions with which it costs at least as much as the dynamic one.

    dynamic network, the cheapest.
    """
    kind = ARMS[arm].widen
    if kind is None:
        return usual_channels(settings)
    target = getattr(cost("dynamic", settings, images), kind)
    wider = tqdm(list(_wider(usual_channels(settings))), desc=f"widths of {arm}", leave=False)
    costs = {channels: getattr(cost(arm, settings, images, channels), kind) for channels in wider}
    enough = {channels: spent for channels, spent in costs.items() if spent >= target}
    if not enough:
        raise SettingsError(
            f"no network up to a half wider costs the {target:,} {kind} of the dynamic one; give a larger --ablation.width, a "
            "larger --ablation.reduction, or leave the widened arms out of --ablation.arms"
        )
    return min(enough, key=lambda channels: (enough[channels], channels))


def _wider(usual: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Even numbers of channels, up to a half more, with stages within a twelfth of the usual proportions to each other."""
    first = usual[0]
    for wider in range(first, first + first // 2 + 1, 2):
        ranges = []
        for count in usual[1:]:
            scaled = count * wider / first
            slack = max(scaled / 12, 2)
            low = max(count, 2 * round((scaled - slack) / 2))
            ranges.append(range(low, max(low, round(scaled + slack)) + 1, 2))
        yield from ((wider, *rest) for rest in itertools.product(*ranges))


def cost(arm: str, settings: AblationSettings, images: Images, channels: tuple[int, ...] | None = None) -> NetworkCost:
    """Multiply-adds and parameters of the arm's network."""
    with torch.device("meta"):
        network = build(arm, settings, images, channels).eval()
    return count_cost(network, (1, images.channels, images.size, images.size))


def candidate(arm: str, settings: AblationSettings, channels: tuple[int, ...]) -> Candidate:
    """The candidate that the evaluator trains; it holds everything that distinguishes this training from others."""
    chosen = ARMS[arm]
    architecture: dict[str, Any] = {f"stage{k}.channels": count for k, count in enumerate(channels, start=1)}
    architecture |= {f"stage{k}.units": count for k, count in enumerate(settings.units, start=1)}
    architecture |= {"arm": arm, "groups": settings.groups, "reduction": settings.reduction}
    training: dict[str, Any] = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    training |= {"orth_weight": settings.orth_weight, "temperature": settings.temperature}
    training |= {"binarize_from": chosen.relaxation.binarize_from}
    if settings.branch_at is not None:
        training["branch_at"] = settings.branch_at
    return Candidate(space="ablation", architecture=architecture, training=training)
