"""The networks that compression is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.compression.__main__ import arms
from benchmarks.compression.arms import ORDERS, Arm, build, learning_of, macs, network, uniform_channels
from benchmarks.compression.table import table
from search_spaces.grouping.learned_group_conv import LearnedGroupConv2d
from search_spaces.reconstruction.pruning import FilterPruning

CHANNELS = (4, 8, 16)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that has decided on its groups, without having been trained."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(network(CHANNELS).state_dict(), folder / "dense.pt")
    host = build(Arm("learned", 0.5), CHANNELS, folder / "dense.pt", 1e-4)
    learning = learning_of(host)
    assert learning is not None
    for epoch in range(3):
        learning.epoch_begins(epoch, 3)
        host(torch.randn(2, 3, 32, 32))
        learning.epoch_ends(epoch, 3)
    torch.save(host.state_dict(), folder / "weights.pt")
    return folder / "weights.pt"


@pytest.mark.parametrize("wanted", [300_000, 700_000])
def test_the_narrow_network_costs_what_is_wanted(wanted: int) -> None:
    channels = (8, 16, 32)
    assert macs(network(uniform_channels(channels, 10 * wanted))) == pytest.approx(10 * wanted, rel=0.04)


def test_fresh_networks_have_the_learned_groups_and_each_its_own_order(learned: Path) -> None:
    trained = build(Arm("learned", 0.5), CHANNELS, learned.with_name("dense.pt"), 1e-4)
    trained.load_state_dict(torch.load(learned, weights_only=True))
    groups = [module.groups for module in trained.modules() if isinstance(module, LearnedGroupConv2d)]
    assert max(groups) > 1
    orders = {}
    for order in ORDERS:
        host = build(Arm(order, 0.5), CHANNELS, learned, 1e-4)
        layers = [module for module in host.modules() if isinstance(module, LearnedGroupConv2d)]
        assert [layer.groups for layer in layers] == groups
        assert all(bool(layer.frozen) for layer in layers)
        assert macs(host) == macs(trained)
        assert learning_of(host) is None
        orders[order] = [layer.column_order.tolist() for layer in layers]
    assert orders["relearned"] == [
        module.column_order.tolist() for module in trained.modules() if isinstance(module, LearnedGroupConv2d)
    ]
    assert all(order == sorted(order) for order in orders["unshuffled"])
    assert len({str(order) for order in orders.values()}) == 4
    uniform = build(Arm("uniform", 0.5), CHANNELS, learned, 1e-4)
    assert macs(uniform) == pytest.approx(macs(trained), rel=0.1)


def test_every_arm_comes_after_the_one_that_it_follows() -> None:
    there: set[str] = set()
    for arm in arms([0.3, 0.6], [0.6]):
        assert arm.follows is None or str(arm.follows) in there
        there.add(str(arm))
    assert len(there) == 2 + 2 * 3 + 4


@pytest.mark.parametrize("target", [0.3, 0.5])
def test_as_many_filters_are_rebuilt_as_remove_the_target(learned: Path, target: float) -> None:
    channels = (8, 16, 32)
    dense = network(channels)
    torch.save(dense.state_dict(), learned.with_name("wide.pt"))
    host = build(Arm("rebuilt", target), channels, learned.with_name("wide.pt"), 1e-4)
    pruning = host.get_submodule("phases.0")
    assert isinstance(pruning, FilterPruning)
    pruning.epoch_begins(0, 1)
    assert 1 - macs(host) / macs(dense) == pytest.approx(target, abs=0.02)


def test_the_table_tells_means_spreads_and_paired_differences() -> None:
    def record(arm: str, seed: int, accuracy: float) -> dict[str, object]:
        return {"arm": arm, "seed": seed, "accuracy": accuracy, "macs": 1000, "params": 10}

    records = [record("learned-50", seed, 60.0 + seed) for seed in range(3)]
    records += [record("uniform-50", seed, accuracy) for seed, accuracy in enumerate((58.0, 60.0, 62.0))]
    records += [record("relearned-50", 0, 61.0), record("shuffled-50", 0, 60.5)]
    records.append({"arm": "random-50", "seed": 0, "failure": "diverged: at step 3"})
    lines = table(records, {("learned-50", seed): 1.0 + seed for seed in range(3)}).splitlines()
    # Differences 2, 1, 0: mean 1, standard error 1 / sqrt 3, and 4.303 of these on each side.
    assert lines[2] == "| learned-50 | 61.00 ± 1.00 | 3 | 1,000 | 10 | 2.0 | +1.00 (-1.48 to +3.48) |  |"
    assert lines[3].startswith("| uniform-50 | 60.00 ± 2.00 | 3 | 1,000 | 10 |  |  |  |")
    assert lines[5].endswith("| +2.50 | -0.50 |")
    assert lines[-1] == "Failed: random-50, seed 0: diverged: at step 3"


def test_the_table_tells_the_machines_that_trained() -> None:
    record = {"arm": "dense", "accuracy": 60.0, "macs": 1000, "params": 10}
    there = [{**record, "seed": seed, "machine": name} for seed, name in enumerate(("a, 1 thread", "b", "a, 1 thread"))]
    assert table([*there, {**record, "seed": 3}]).endswith("|\n\nComputed with a, 1 thread\nComputed with b\n")
