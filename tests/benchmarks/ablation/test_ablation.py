"""The ablation of the dynamic shuffle, on the bundled digits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.ablation.__main__ import main
from benchmarks.ablation.arms import ARMS, Images, build, cost, stage_channels
from benchmarks.ablation.runs import Run, planned
from benchmarks.ablation.settings import AblationSettings
from benchmarks.ablation.table import CLAIMS, JOINT, ROWS, arms_table, claims_table, joint_verdicts
from evaluator.device import Execution
from evaluator.machine import this_machine
from module_protocols import LearnedShuffle

CPU = Execution(device=torch.device("cpu"), precision="fp32", channels_last=True)
IMAGES = Images(size=16, channels=3, classes=10)
SMALL = AblationSettings(width=16, units=(1, 2, 1))
TINY = (
    *("--data.name", "digits", "--data.train_limit", "300", "--train.epochs", "1", "--train.batch_size", "64"),
    *(
        "--ablation.width",
        "16",
        "--ablation.units",
        "[1,1,1]",
        "--ablation.pairs",
        "2",
        "--ablation.control_pairs",
        "1",
    ),
    *("--ablation.workers", "1", "--device", "cpu", "--ablation.arms", "[fixed,dynamic_varied,soft]"),
)


def finished(arm: str, seed: int, hard: float, **readings: float) -> Run:
    return Run(
        arm=arm,
        seed=seed,
        channels=(16, 32, 64),
        macs=1000,
        params=100,
        readings={"hard": hard, **readings},
        shuffles={"valid": 1.0, "coverage": 1.0, "disagreement": 0.2} if "dynamic" in arm else {},
        curve=(),
        seconds=60.0,
    )


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_trains_and_is_counted(arm: str) -> None:
    torch.manual_seed(0)
    network = build(arm, SMALL, IMAGES).train()
    for module in network.modules():
        if isinstance(module, LearnedShuffle):
            module.set_progress(1.0)
    network(torch.randn(4, 3, 16, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert cost(arm, SMALL, IMAGES).macs >= cost("fixed", SMALL, IMAGES).macs


def test_equal_seeds_give_arms_of_one_width_the_same_host_weights() -> None:
    states = []
    for arm in ("fixed", "dynamic_varied", "squeeze_excitation", "static_full"):
        torch.manual_seed(3)
        state = build(arm, SMALL, IMAGES).state_dict()
        states.append({name: value for name, value in state.items() if ".mixer." not in name})
    for state in states[1:]:
        assert all(torch.equal(value, states[0][name]) for name, value in state.items())
        assert state.keys() == states[0].keys()


@pytest.mark.parametrize(("arm", "kind"), [("fixed_macs", "macs"), ("fixed_params", "params")])
def test_widened_networks_cost_at_least_as_much_and_hardly_more(arm: str, kind: str) -> None:
    target = getattr(cost("dynamic", SMALL, IMAGES), kind)
    reached = getattr(cost(arm, SMALL, IMAGES, stage_channels(arm, SMALL, IMAGES)), kind)
    assert target <= reached <= 1.03 * target


def test_runs_are_planned_main_arms_first_and_seed_by_seed() -> None:
    order = list(planned(AblationSettings(pairs=2, control_pairs=1, arms=("soft", "fixed", "dynamic"))))
    assert order == [("fixed", 0), ("dynamic", 0), ("fixed", 1), ("dynamic", 1), ("soft", 0)]


def test_an_ablation_runs_goes_on_and_refuses_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*TINY, "--output", str(tmp_path)]
    assert main(command) == 0
    runs = (tmp_path / "runs.jsonl").read_text()
    assert len(runs.splitlines()) == 1 + 2 + 2 + 1
    table = (tmp_path / "table.md").read_text()
    assert "| dynamic_varied, swapped |" in table
    records = [json.loads(line) for line in runs.splitlines()[1:]]
    assert {record["machine"] for record in records} == {str(this_machine(1, CPU))}
    assert f"\nComputed with {this_machine(1, CPU)}\n" in table
    assert "| dynamic beats fixed, varied start |" in table
    with (tmp_path / "runs.jsonl").open("a") as file:
        file.write('{"arm": "fix')  # as a kill in the middle of a line leaves it
    assert main(command) == 0
    assert (tmp_path / "runs.jsonl").read_text() == runs
    capsys.readouterr()
    assert main([*command, "--ablation.lr", "0.3"]) == 2
    assert "ablation.lr (0.4, now 0.3)" in capsys.readouterr().err
    assert main([*command, "--ablation.arms", "[fixd]", "--ablation.pairs", "0"]) == 2
    message = capsys.readouterr().err
    assert "did you mean 'fixed'" in message
    assert "--ablation.pairs is 0; allowed: 1 or more" in message


def test_claims_get_the_verdicts_of_their_differences() -> None:
    noise = (0.0, 0.1, -0.1, 0.05, -0.05)
    runs = {}
    for seed, bit in enumerate(noise):
        runs["fixed", seed] = finished("fixed", seed, 70 + bit)
        runs["dynamic_varied", seed] = finished("dynamic_varied", seed, 75 - bit, swapped=60.0)
        runs["constant", seed] = finished("constant", seed, 80 + 2 * bit)
    claims = claims_table(runs).set_index("claim")
    assert claims.loc["dynamic beats fixed, varied start", "verdict"] == "supported"
    assert claims.loc["dynamic beats its generator on a constant, varied start", "verdict"] == "refuted"
    assert claims.loc["dynamic beats fixed, varied start", "difference"] == pytest.approx(5)
    assert claims.loc["whose permutation it is matters, varied start", "difference"] == pytest.approx(15)
    assert "dynamic beats fixed" not in claims.index
    assert joint_verdicts(claims_table(runs)) == {JOINT: "not resolved", f"{JOINT}, varied start": "refuted"}


def test_a_reading_that_cannot_differ_is_that_of_the_hard_network() -> None:
    runs = {("dynamic", 0): finished("dynamic", 0, 70.0)}
    table = arms_table(runs).set_index("arm")
    assert table["accuracy"].loc[["dynamic, swapped", "dynamic"]].tolist() == [70, 70]


def test_every_claim_is_about_rows_and_every_row_about_an_arm() -> None:
    assert {name for _, *names in CLAIMS for name in names} <= set(ROWS)
    assert {row.arm for row in ROWS.values()} == set(ARMS)


def test_a_failed_run_is_kept_and_named_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*TINY, "--output", str(tmp_path), "--ablation.pairs", "1", "--ablation.arms", "[fixed,dynamic]"]
    command += ["--ablation.lr", "1e30"]
    assert main(command) == 2
    assert "error: arm fixed, seed 0 gave no result: diverged" in capsys.readouterr().err
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 1 + 2
    assert "Arm dynamic, seed 0 gave no result" in (tmp_path / "table.md").read_text()


def test_configs_are_known_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "cifar10_cup", "--output", str(tmp_path)]) == 2
    assert "did you mean 'cifar10_cpu'?); allowed: cifar10_cpu, cifar10_gpu" in capsys.readouterr().err
