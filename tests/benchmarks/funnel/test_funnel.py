"""The funnel's rules, and its three steps on the bundled digits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ablation.__main__ import read_settings
from benchmarks.ablation.arms import ARMS
from benchmarks.ablation.runs import SPLIT_SEED, Run, identity_of
from benchmarks.funnel.__main__ import CANDIDATES, Rules, claims, judged, main, screened, step_table, survivors
from benchmarks.trainings import EXECUTION, FILE
from evaluator.images.data import prepare
from evaluator.settings import DataSettings

RULES = Rules.read()
RECORDED = Path(__file__).parents[3] / "docs" / "results" / "funnel"


def finished(arm: str, seed: int, accuracy: float) -> Run:
    return Run(
        arm=arm,
        seed=seed,
        channels=(16, 32, 64),
        macs=1000,
        params=100,
        readings={"hard": accuracy, "live": accuracy - 1},
        shuffles={},
        curve=(),
        seconds=60.0,
    )


def runs_of(**accuracies: list[float]) -> dict[tuple[str, int], Run]:
    return {
        (arm, seed): finished(arm, seed, value)
        for arm, values in accuracies.items()
        for seed, value in enumerate(values)
    }


def test_only_arms_that_look_at_the_image_may_win() -> None:
    assert "constant" not in CANDIDATES
    assert not {"fixed", "squeeze_excitation_neutral", "static_full", "static_matrix", "random_each"} & set(CANDIDATES)
    assert {"dynamic", "attached", "gated", "restored", "blend", "kronecker_blend", "static_dynamic"} <= set(CANDIDATES)
    assert {"fixed", "constant", RULES.control, *CANDIDATES} <= set(screened())
    assert set(screened()) <= set(ARMS)


def test_those_within_half_a_point_go_on_the_best_five_of_them_first() -> None:
    runs = runs_of(
        fixed=[70.0, 72.0],
        dynamic=[69.6, 71.5],  # -0.45
        gated=[69.0, 71.9],  # -0.55
        late=[70.1, 72.1],  # +0.1
        blend=[71.0, 71.2],  # +0.1
        restored=[70.0, 71.8],  # -0.1
        annealed=[70.0, 72.0],
        stage1=[71.0, 73.0],  # +1
        squeeze_excitation_neutral=[80.0, 80.0],
    )
    chosen = survivors(runs, RULES)
    assert chosen[0] == "stage1"
    assert set(chosen) == {"stage1", "late", "blend", "annealed", "restored"}
    few = survivors({key: run for key, run in runs.items() if key[0] in ("fixed", "dynamic", "gated")}, RULES)
    assert few == ["dynamic"]


def test_the_judged_are_the_best_over_both_settings_together() -> None:
    by_setting = {
        "long": runs_of(fixed=[80.0], gated=[81.0], late=[79.0], blend=[80.2]),
        "overfit": runs_of(fixed=[60.0], gated=[58.0], late=[62.0], blend=[60.1]),
    }
    assert judged(by_setting, ["gated", "late", "blend"], RULES) == ["late", "blend"]


@pytest.mark.parametrize("config", sorted(path.name for path in RECORDED.iterdir()))
def test_what_is_recorded_goes_on_with_the_settings_of_today(config: str) -> None:
    settings = read_settings(["--config", config])
    digits = prepare(DataSettings(name="digits"), seed=SPLIT_SEED)
    with (RECORDED / config / FILE).open(encoding="utf-8") as file:
        recorded = json.loads(file.readline())
    of_images_or_hardware = {"data.fingerprint", "data.flip", "data.crop_padding", *EXECUTION}
    today = identity_of(settings, digits)
    assert {key: value for key, value in today.items() if key not in of_images_or_hardware} == {
        key: value for key, value in recorded.items() if key not in of_images_or_hardware
    }


def test_claims_are_adjusted_together_and_told_for_each_setting() -> None:
    accuracies = {"fixed": [80.0, 80.5, 79.5], "late": [83.0, 83.4, 82.7], RULES.control: [80.1, 80.6, 79.4]}
    lines = claims({"long": runs_of(**accuracies)}, ["late"], RULES)
    assert [line.split(" | ")[1] for line in lines[2:]] == [
        "late beats fixed",
        f"late beats {RULES.control}",
        f"{RULES.control} beats fixed",
    ]
    assert lines[2].startswith("| long | late beats fixed | +3.03 ± ")
    assert lines[2].endswith("supported |")
    assert lines[4].endswith("not resolved |")


def test_a_table_has_the_arms_in_their_order_with_the_difference_to_the_reference() -> None:
    lines = step_table(runs_of(gated=[71.0, 70.0], fixed=[70.0, 70.0]), RULES)
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| fixed", "| gated"]
    assert "+0.50 ± 6.35" in lines[3]


@pytest.mark.slow
def test_three_steps_run_go_on_and_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.funnel import __main__ as funnel

    small: tuple[str, ...]
    small = (
        "--data.name",
        "digits",
        "--data.image_size",
        "8",
        "--data.train_limit",
        "300",
        "--data.validation_share",
        "0.2",
    )
    small += ("--train.epochs", "1", "--train.batch_size", "64", "--device", "cpu")
    small += ("--ablation.width", "16", "--ablation.units", "[1,2,1]")
    read = read_settings
    monkeypatch.setattr(funnel, "read_settings", lambda argv: read([*argv, *small]))
    monkeypatch.setattr(funnel, "screened", lambda: ("fixed", "dynamic", "blend", "late"))
    rules = replace(RULES, within=100, screen_pairs=1, middle_pairs=1, judge_pairs=1)
    monkeypatch.setattr(funnel.Rules, "read", lambda: rules)
    command = ["--root", "unused", "--output", str(tmp_path / "out"), "--workers", "1"]
    assert main([*command, "--until", "screen"]) == 0
    assert "Within 100 points of fixed" in capsys.readouterr().out
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "Judged: " in told
    assert "beats fixed_params" in told
    assert (tmp_path / "out" / "funnel.md").read_text() == told.rstrip("\n") + "\n"
    before = {path: path.read_bytes() for path in (tmp_path / "out").glob("*/runs.jsonl")}
    assert main(command) == 0
    assert {path: path.read_bytes() for path in (tmp_path / "out").glob("*/runs.jsonl")} == before
