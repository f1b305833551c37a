"""The contract of every kind of convolutions, in a space that offers all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import torch

from module_protocols import PhasedTraining
from nas.candidate import Candidate
from nas.dimensions import Scalar
from search_spaces import compact
from search_spaces.kinds import KINDS, EveryKindSettings
from search_spaces.portrait import stage_title, stage_words
from search_spaces.shuffle_space import ShuffleSpace
from tests.search_spaces.genotypes import draw
from tests.search_spaces.members import members, whole_space
from tests.search_spaces.perturbation import perturb

IMAGE_SIZE = 8
EVERY_KIND = pytest.mark.parametrize("name", KINDS)
EVERY_DECISION = pytest.mark.parametrize(
    ("name", "decision", "choices"),
    [
        (name, decision, choices)
        for name, kind in KINDS.items()
        for decision, choices in kind.decisions(EveryKindSettings()).items()
        if len(choices) > 1
    ],
)


@pytest.fixture(scope="module")
def space() -> ShuffleSpace:
    found = whole_space("resnet_cifar", IMAGE_SIZE)
    assert isinstance(found, ShuffleSpace)
    return found


def of_kind(space: ShuffleSpace, name: str, most: int = 4) -> list[Candidate]:
    """Some networks whose every stage is of the kind, if that changes anything there."""
    found = [candidate for told, candidate in members(space, random.Random(0)) if told.split()[0] == name]
    return found[:: max(1, len(found) // most)]


def stages_of(space: ShuffleSpace, name: str, count: int = 200) -> Iterator[dict[str, Scalar]]:
    """What is decided on stages of the kind, among random candidates."""
    rng = random.Random(0)
    for _ in range(count):
        architecture = space.decode(draw(space, rng)).architecture
        for stage in (1, 2, 3):
            decided = {
                key.partition(".")[2]: value for key, value in architecture.items() if key.startswith(f"stage{stage}.")
            }
            if decided.get("convolution") == name:
                yield decided


@EVERY_KIND
def test_a_kind_is_called_what_it_is_enrolled_as_and_has_a_look_of_its_own(name: str) -> None:
    assert KINDS[name].name == name
    others = [kind.style for kind in KINDS.values() if kind.name != name]
    assert KINDS[name].style.label not in {style.label for style in others}
    assert KINDS[name].style.name not in {style.name for style in others}


@EVERY_KIND
def test_its_usual_settings_are_sound_and_its_decisions_its_own(name: str) -> None:
    usual = EveryKindSettings()
    assert KINDS[name].faults(usual) == []
    mine = KINDS[name].decisions(usual)
    assert all(choices for choices in mine.values())
    assert not any(set(mine) & set(kind.decisions(usual)) for kind in KINDS.values() if kind.name != name)


@EVERY_KIND
def test_its_networks_train_with_a_gradient_to_every_parameter(space: ShuffleSpace, name: str) -> None:
    for candidate in of_kind(space, name):
        network = space.build(candidate).train()
        for module in network.modules():
            if isinstance(module, PhasedTraining):
                module.epoch_begins(0, 4)
        x = torch.randn(4, 3, IMAGE_SIZE, IMAGE_SIZE)
        (network(x) * torch.randn(4, 10)).sum().backward()
        for parameter_name, parameter in network.named_parameters():
            assert parameter.grad is not None, parameter_name
            assert parameter.grad.isfinite().all(), parameter_name


@EVERY_KIND
def test_what_is_deployed_answers_alike(space: ShuffleSpace, name: str) -> None:
    for candidate in of_kind(space, name):
        network = perturb(space.build(candidate).double(), 0.1).eval()
        x = torch.randn(2, 3, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.float64)
        torch.testing.assert_close(compact(network)(x), network(x), rtol=1e-8, atol=1e-8)


@EVERY_DECISION
def test_all_that_is_decided_on_it_is_built(
    space: ShuffleSpace, name: str, decision: str, choices: tuple[Scalar, ...]
) -> None:
    genotype = draw(space, random.Random(0)) | {f"stage{stage}.convolution": name for stage in (1, 2, 3)}
    candidates = [space.decode(genotype | {f"stage2.{decision}": choice}) for choice in choices]
    built = {candidate.digest: str(space.build(candidate)) for candidate in candidates}
    assert len(built) > 1, "choices that mean the same network are one candidate, but not all of them do"
    assert len(set(built.values())) == len(built)


@EVERY_KIND
def test_all_that_is_decided_on_it_is_told(space: ShuffleSpace, name: str) -> None:
    own = set(KINDS[name].decisions(EveryKindSettings()))
    assert own <= KINDS[name].told_decisions
    assert any(True for _ in stages_of(space, name)), "there are such stages"
    by_text: dict[str, set[tuple[Scalar, ...]]] = {}
    for decided in stages_of(space, name):
        text = f"{stage_title(decided)} {stage_words(decided)}"
        by_text.setdefault(text, set()).add(tuple(decided[decision] for decision in sorted(own)))
    assert all(len(meanings) == 1 for meanings in by_text.values()), "two stages that differ are told apart"
