"""Arms that branch off from one network with fixed shuffles."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.ablation.__main__ import main, read_settings
from benchmarks.ablation.arms import ARMS, Images, build, candidate, usual_channels
from benchmarks.ablation.branching import branched
from benchmarks.ablation.runs import trunk_of
from benchmarks.ablation.settings import AblationSettings
from evaluator.training.checkpoint import Saved
from evaluator.training.optim import make_optimizer
from nas.errors import SettingsError

IMAGES = Images(size=16, channels=3, classes=10)
SMALL = AblationSettings(width=16, units=(1, 2, 1))
# The same function as the fixed shuffle when they begin.
BEGIN_ALIKE = (
    *("dynamic", "attached", "gated", "annealed", "late", "standardized", "restored", "blend", "kronecker_blend"),
    *("stage1", "stage2", "stage3", "static_full", "squeeze_excitation_neutral"),
)


def trained() -> tuple[torch.nn.Module, Saved]:
    """A network with fixed shuffles after a few steps."""
    torch.manual_seed(0)
    network = build("fixed", SMALL, IMAGES)
    optimizer = make_optimizer(network, momentum=0.9, weight_decay=1e-4)
    for group in optimizer.param_groups:
        group["lr"] = 1e-4
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.randn(8, 3, 16, 16)).square().sum().backward()
        optimizer.step()
    states = {"model": network.state_dict(), "averaged": network.state_dict(), "optimizer": optimizer.state_dict()}
    return network, Saved(epochs=2, seconds=1.0, curve=[{"epoch": 1}, {"epoch": 2}], states={**states, "scaler": {}})


@pytest.mark.parametrize("arm", BEGIN_ALIKE)
def test_where_a_mixer_begins_as_the_hosts_the_branch_is_the_trunks_function(arm: str) -> None:
    network, saved = trained()
    torch.manual_seed(1)
    target = build(arm, SMALL, IMAGES)
    target.load_state_dict(branched(saved, build("fixed", SMALL, IMAGES), target).states["model"])
    x = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(target.eval()(x), network.eval()(x))


@pytest.mark.parametrize("arm", [arm for arm in ARMS if ARMS[arm].widen is None])
def test_its_optimizer_goes_on_with_the_trunks_momenta(arm: str) -> None:
    network, saved = trained()
    target = build(arm, SMALL, IMAGES)
    made = branched(saved, build("fixed", SMALL, IMAGES), target)
    optimizer = make_optimizer(target, momentum=0.9, weight_decay=1e-4)
    optimizer.load_state_dict(made.states["optimizer"])
    momenta = {id(p): state["momentum_buffer"] for p, state in optimizer.state.items()}
    places = [
        p for group in make_optimizer(network, momentum=0.9, weight_decay=1e-4).param_groups for p in group["params"]
    ]
    names = {id(p): name for name, p in network.named_parameters()}
    former = {names[id(p)]: saved.states["optimizer"]["state"][k]["momentum_buffer"] for k, p in enumerate(places)}
    for name, parameter in target.named_parameters():
        found = momenta[id(parameter)]
        expected = former.get(name.replace(".body.", "."), torch.zeros_like(parameter))
        assert torch.equal(found, expected), name
    assert sum(bool(each.any()) for each in momenta.values()) == len(former)


def test_all_arms_of_a_seed_go_on_from_one_trunk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags: tuple[str, ...]
    flags = ("--data.name", "digits", "--data.train_limit", "300", "--train.epochs", "2", "--train.batch_size", "64")
    flags += (
        "--ablation.width",
        "16",
        "--ablation.units",
        "[1,1,1]",
        "--ablation.pairs",
        "1",
        "--ablation.control_pairs",
        "1",
    )
    flags += ("--ablation.arms", "[fixed,dynamic,blend]", "--ablation.branch_at", "0.5", "--device", "cpu")
    argv = [*flags, "--output", str(tmp_path / "out")]
    assert main(argv) == 0
    settings = read_settings(argv)
    folder = tmp_path / "out" / "checkpoints"
    trunk = torch.load(folder / "trunk" / "0" / "last.pt", weights_only=True)
    assert trunk["epochs"] == 1
    for arm in ("fixed", "dynamic", "blend"):
        assert (folder / arm / "0" / "weights.pt").exists()
    assert "branch_at" in candidate("fixed", settings.ablation, usual_channels(settings.ablation)).training
    assert trunk_of(settings, Images(size=8, channels=1, classes=10)).epochs == 1
    assert "fixed" in capsys.readouterr().out


def test_a_branch_needs_an_epoch_on_both_sides() -> None:
    with pytest.raises(
        SettingsError, match=r"--ablation.branch_at is 0.1; allowed: a share that leaves an epoch of the 4"
    ):
        read_settings(["--ablation.branch_at", "0.1"])
