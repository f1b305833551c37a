from __future__ import annotations

import copy
import io
import itertools
import pickle
import random

import pytest
import torch
from torch import nn

from module_protocols import EvaluationMode, LearnedShuffle
from nas.dimensions import Scalar
from nas.errors import DeploymentError
from search_spaces import SPACES, compact, make_space, space_settings
from search_spaces.blocks import BLOCKS
from search_spaces.blocks.deployed.channel_affine import ChannelAffine
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.blocks.spec import NORMALIZERS, ROUNDINGS, SUM_LEVELS
from search_spaces.grouping.learned_group_conv import SizedGroupConv2d
from search_spaces.reconstruction import TRANSFORMATIONS
from tests.search_spaces.any_space import published_units
from tests.search_spaces.genotypes import draw
from tests.search_spaces.members import whole_space
from tests.search_spaces.perturbation import perturb

LAYOUTS = (torch.contiguous_format, torch.channels_last)
EVERY_SPACE = pytest.mark.parametrize("name", sorted(SPACES))
EXPORTED = ("fixed", "static", "static_full", "static_matrix", "dynamic", "static_dynamic")
"""Mixers without Python in their forward pass."""


def candidate_network(name: str, seed: int, **settings: object) -> nn.Module:
    """A random candidate of a space, perturbed, in float64."""
    return perturb(untrained(name, seed, **settings).double(), 0.1)


NARROW: dict[str, dict[str, object]] = {
    "resnet50": {"widths": (0.125, 0.25)},
    "vgg16": {"widths": (0.125, 0.25)},
    "densenet_cifar": {"widths": (4, 8)},
}
"""Widths of spaces whose usual ones are slow here."""


def untrained(name: str, seed: int, **settings: object) -> nn.Module:
    offered: dict[str, object] = {
        "mixers": tuple(BLOCKS),
        "units": ((1, 2),) * len(published_units(name)),
        "normalizers": NORMALIZERS,
        "roundings": ROUNDINGS,
        "sum_levels": SUM_LEVELS,
        **NARROW.get(name, {}),
        **settings,
    }
    space = make_space(space_settings(name=name, **offered), image_size=16, channels=3, classes=5)
    model: nn.Module = space.build(space.decode(draw(space, random.Random(seed))))
    return model.eval()


def deployable_network(name: str = "shufflenet_v2") -> nn.Module:
    """Dynamic, static-dynamic and static mixers, one for each stage, without those that are Python in their forward pass."""
    widths = (16.0,) if name == "shufflenet_v2" else (0.5,)
    for seed in itertools.count():
        model = candidate_network(
            name,
            seed,
            widths=widths,
            units=((2,),) * 3,
            mixers=EXPORTED,
            roundings=("argmax",),
            normalizers=("softmax",),
        ).float()
        kinds = {type(module).__name__ for module in model.modules()}
        if {"DynamicShuffle", "StaticDynamicShuffle", "StaticFullShuffle"} <= kinds:
            return model
    raise AssertionError


def images(model: nn.Module, count: int = 3) -> torch.Tensor:
    return torch.randn(count, 3, 16, 16, dtype=next(model.parameters()).dtype)


def assert_equal_outputs(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance * theirs.abs().max().item())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(8))
@EVERY_SPACE
def test_random_candidates_keep_their_outputs(name: str, seed: int, layout: torch.memory_format) -> None:
    model = candidate_network(name, seed)
    x = images(model).to(memory_format=layout)
    assert_equal_outputs(compact(model)(x), model(x), 1e-10)
    model, x = model.float(), x.float()
    assert_equal_outputs(compact(model)(x), model(x), 1e-5)


@pytest.mark.parametrize("seed", range(4))
@EVERY_SPACE
def test_nothing_of_the_training_is_left(name: str, seed: int) -> None:
    model = candidate_network(name, seed)
    network, x = compact(model), images(model)
    trained = (LearnedShuffle, nn.modules.batchnorm._NormBase, Deployable)
    left = {type(module).__name__ for module in network.modules() if isinstance(module, trained)}
    # A blend is deployed as it is trained.
    assert left <= {"EvaluatedRandomEachShuffle", "BlendShuffle", "KroneckerBlend"}
    chains = [module for module in network.modules() if isinstance(module, nn.Sequential)]
    assert not any(isinstance(module, nn.Identity) for chain in chains for module in chain)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert torch.equal(network.train()(x), network.eval()(x))


@EVERY_SPACE
def test_the_given_network_is_not_touched(name: str) -> None:
    model = candidate_network(name, 0).train()
    before = copy.deepcopy(model)
    perturb(compact(model))
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert repr(model) == repr(before)
    for key, value in before.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


@pytest.mark.parametrize("seed", range(4))
@EVERY_SPACE
def test_its_state_loads_into_the_compacted_untrained_network_of_the_same_candidate(name: str, seed: int) -> None:
    model = candidate_network(name, seed)
    network, x = compact(model), images(model)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    fresh = compact(untrained(name, seed).double())
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x), network(x))


@EVERY_SPACE
def test_it_can_be_copied_pickled_and_compacted_again(name: str) -> None:
    network = compact(candidate_network(name, 1))
    x = images(network)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), compact(network)):  # noqa: S301
        assert torch.equal(twin(x), network(x))


def test_it_runs_in_sixteen_bits() -> None:
    network = compact(deployable_network()).bfloat16()
    assert network(images(network)).isfinite().all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_can_be_exported_for_one_image(layout: torch.memory_format) -> None:
    network = compact(deployable_network())
    example, x = (images(network, 1).to(memory_format=layout) for _ in range(2))
    exported = torch.export.export(network, (example,)).module()
    torch.testing.assert_close(exported(x), network(x))


def assert_exported_for_any_batch(network: nn.Module, size: int, layout: torch.memory_format) -> None:
    dynamic = ({0: torch.export.Dim("images", min=1, max=512)},)
    batches = {count: torch.randn(count, 3, size, size).to(memory_format=layout) for count in (1, 3, 8)}
    exported = torch.export.export(network, (batches[3],), dynamic_shapes=dynamic).module()
    for x in batches.values():
        assert_equal_outputs(exported(x), network(x), 1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_can_be_exported_for_batches_of_any_size(layout: torch.memory_format) -> None:
    assert_exported_for_any_batch(compact(deployable_network()), 16, layout)


EXPORTED_KINDS: dict[str, dict[str, Scalar]] = {
    **{
        mixer: {"convolution": "grouped", "mixer": mixer}
        for mixer in BLOCKS
        if mixer != "random_each"  # it draws from a generator as it runs
    },
    **{kind: {"convolution": kind} for kind in ("dense", "static_dynamic", "learned_groups")},
    **{
        f"reconstructed, {family}": {"convolution": "reconstructed", "transformation": family, "rebuilt": 0.75}
        for family in TRANSFORMATIONS
    },
}


@pytest.mark.parametrize("kind", EXPORTED_KINDS)
def test_every_kind_can_be_exported_for_batches_of_any_size(kind: str) -> None:
    space = whole_space("resnet_cifar", 8)
    genotype = next(iter(space.baselines().values()))
    decided = {f"stage3.{name}": value for name, value in EXPORTED_KINDS[kind].items()}
    assert decided.keys() <= genotype.keys()
    units = {f"stage{stage}.units": 1 for stage in (1, 2, 3)}
    network = space.build(space.decode({**genotype, **units, **decided}))
    assert_exported_for_any_batch(compact(perturb(network, 0.1)), 8, torch.contiguous_format)


@pytest.mark.parametrize("name", ["shufflenet_v1", "shufflenet_v2"])
def test_compiled_it_is_one_graph_with_the_same_outputs(name: str) -> None:
    torch.compiler.reset()
    network = compact(deployable_network(name))
    x = images(network)
    torch.testing.assert_close(torch.compile(network, backend="eager", fullgraph=True)(x), network(x))


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")  # by inductor's own imports, torch 2.13
@pytest.mark.slow
def test_compiled_by_inductor_it_gives_the_same_outputs() -> None:
    torch.compiler.reset()
    network = compact(deployable_network())
    x = images(network, 1)
    with torch.no_grad():
        assert_equal_outputs(torch.compile(network)(x), network(x), 1e-5)


def normed(norm: nn.BatchNorm2d, *, mean: float, var: float, weight: float, bias: float) -> nn.BatchNorm2d:
    values = {"running_mean": mean, "running_var": var, "weight": weight, "bias": bias}
    norm.load_state_dict(
        {key: torch.full_like(getattr(norm, key), value) for key, value in values.items()}, strict=False
    )
    return norm


def test_a_norm_is_folded_into_the_convolution_before_it() -> None:
    """((2 x + 1) - 3) / sqrt(3 + 1) 4 + 5 = 4 x + 1."""
    convolution = nn.Conv2d(1, 1, 1)
    convolution.load_state_dict({"weight": torch.full((1, 1, 1, 1), 2.0), "bias": torch.ones(1)})
    norm = normed(nn.BatchNorm2d(1, eps=1.0), mean=3, var=3, weight=4, bias=5)
    network = compact(nn.Sequential(convolution, norm, nn.ReLU()))
    folded, activation = network.children()
    assert isinstance(folded, nn.Conv2d)
    assert isinstance(activation, nn.ReLU)
    assert folded.weight.item() == pytest.approx(4)
    assert folded.bias is not None
    assert folded.bias.item() == pytest.approx(1)


class Branch(nn.Module):
    """A norm that follows a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = normed(nn.BatchNorm2d(2, eps=1.0), mean=3, var=3, weight=4, bias=5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.norm(x + x)
        return result


def test_a_norm_after_anything_else_becomes_a_scale_and_a_shift() -> None:
    """(2 x - 3) / sqrt(3 + 1) 4 + 5 = 4 x - 1."""
    network = compact(Branch())
    assert isinstance(network.norm, ChannelAffine)
    x = torch.randn(2, 2, 3, 3)
    torch.testing.assert_close(network(x), 4 * x - 1)


class Learner(nn.Module, LearnedShuffle):
    """Learned, and silent about its deployment."""

    def set_progress(self, share: float) -> None: ...

    def set_evaluation_mode(self, mode: EvaluationMode) -> None: ...

    def penalty(self) -> torch.Tensor:
        return torch.zeros(())

    def logit_parameters(self) -> list[nn.Parameter]:
        return []

    def statistics(self) -> dict[str, float]:
        return {}


def test_what_has_no_deployed_form_is_named() -> None:
    with pytest.raises(DeploymentError, match="Learner learns a shuffle"):
        compact(nn.Sequential(Learner()))
    with pytest.raises(DeploymentError, match=r"BatchNorm1d.*stands alone"):
        compact(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    with pytest.raises(DeploymentError, match="has no running statistics"):
        compact(nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, track_running_stats=False)))


def test_indices_between_neighbouring_units_become_one() -> None:
    settings = space_settings(name="vgg16", widths=(0.25,), units=((1,), (1,), (3,), (1,), (1,)))
    space = make_space(settings, image_size=16, channels=3, classes=5)
    (dense,) = space.baselines().values()
    learned = {**dense, "stage3.convolution": "learned_groups", "stage3.learned_groups": 4}
    model = perturb(space.build(space.decode(learned)).double(), 0.1).eval()
    network = compact(model)
    # One before the first convolution, one between each two of them though a norm and a ReLU are there, one behind the last.
    assert sum(isinstance(module, ChannelGather) for module in network.modules()) == 4
    assert max(module.groups for module in network.modules() if isinstance(module, SizedGroupConv2d)) > 1
    x = images(model)
    assert_equal_outputs(network(x), model(x), 1e-10)
