"""The comparison of samplers: its scores, and that it goes on where it was stopped."""

from __future__ import annotations

import itertools
import json
import math
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.honest_front import run as front_run
from benchmarks.samplers import main, run, starts
from benchmarks.searched_spaces import mixed_problem, table_problem
from evaluator.machine import this_machine
from nas.table import Table


def table() -> dict[str, dict[str, float]]:
    return {
        "".join(map(str, place)): {
            "acc": 50.0 + 9 * place[0] + 4 * place[1] - place[2],
            "cost": 10.0 ** (1 + sum(place)),
        }
        for place in itertools.product(range(3), repeat=3)
    }


def test_the_score_is_the_share_of_the_front_s_hypervolume_on_log_cost() -> None:
    problem = table_problem(Table(table()), "small", "acc", "cost")
    every = problem.every
    assert problem.score(every) == problem.score_linear(every) == 1
    median, largest = np.median([accuracy for accuracy, _ in every]), 7.0
    front = sorted({(math.log10(cost), accuracy) for accuracy, cost in every})
    area, best = 0.0, median
    for (cost, accuracy), following in zip(front, [*front[1:], (largest, 0.0)], strict=True):
        best = max(best, accuracy)
        area += (min(following[0], largest) - cost) * (best - median)
    only = [(accuracy, cost) for accuracy, cost in every if cost == 1000.0 and accuracy > median]
    best_only = max(accuracy for accuracy, _ in only)
    assert problem.score(only) == pytest.approx((largest - 3) * (best_only - median) / area)


def test_trials_count_distinct_candidates_and_starts_are_those_of_known_cost() -> None:
    problem = table_problem(Table(table()), "small", "acc", "cost")
    runs = run(problem, "random", 0, 20)
    assert runs["trial"].tolist() == list(range(1, 21))
    assert runs["score"].is_monotonic_increasing
    assert len({problem.key(genotype) for genotype in starts(problem, 0)}) == 10
    both = [run(problem, name, 0, 10)["score"].iloc[-1] for name in ("known_cost", "tpe+start")]
    assert both[0] == both[1]


def test_the_front_of_the_mixed_space_is_never_passed() -> None:
    problem = mixed_problem(noise=0.3)
    scores = run(problem, "known_cost", 0, 25)["score"]
    assert 0.2 < scores.iloc[-1] <= 1


def test_the_command_goes_on_and_refuses_other_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "small.json", tmp_path / "out.csv"
    path.write_text(json.dumps(table()))
    command = ["--table", str(path), "--accuracy", "acc", "--cost", "cost", "--trials", "20", "--workers", "1"]
    command += ["--out", str(out), "--samplers", "random,tpe"]
    assert main([*command, "--seeds", "1"]) == 0
    first = pd.read_csv(out)
    assert main([*command, "--seeds", "2"]) == 0
    assert len(pd.read_csv(out)) == 2 * len(first) == 80
    assert set(first["machine"]) == {str(this_machine(1))}
    assert first["date"].map(date.fromisoformat).le(datetime.now(UTC).date()).all()
    said = capsys.readouterr().out
    assert said.startswith(f"{this_machine(1)}\n\n| sampler |")
    assert "| tpe |" in said
    assert main([*command, "--trials", "21"]) == 2
    assert main([*command, "--samplers", "randm"]) == 2
    assert main([*command, "--cost", "costs"]) == 2
    message = capsys.readouterr().err
    assert "holds other runs" in message
    assert "did you mean 'random'" in message
    assert "did you mean 'cost'" in message


def test_fronts_are_compared_by_what_they_are_really_worth() -> None:
    rows = front_run(mixed_problem(0.0), "random", trials=12, replicates=2, seed=0)
    all_trained, observed, expected = rows
    assert all_trained["trainings"] > 12, "members were trained again"
    assert observed["worth"] == pytest.approx(all_trained["worth"]), "without noise the observed front is the true one"
    assert observed["optimism"] == pytest.approx(0, abs=1e-9)
    assert expected["worth"] <= all_trained["worth"]
    noisy = [front_run(mixed_problem(2.0), "random", trials=40, replicates=1, seed=seed) for seed in range(4)]
    assert np.mean([search[1]["optimism"] for search in noisy]) > 0.3
    assert all(search[1]["worth"] < search[0]["worth"] for search in noisy)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_botorch_is_asked_like_any_other_sampler() -> None:
    pytest.importorskip("botorch", reason="needs the packages of the extra 'peers'")
    for problem in (table_problem(Table(table()), "small", "acc", "cost"), mixed_problem()):
        runs = [run(problem, "botorch", 0, 12) for _ in range(2)]
        assert runs[0]["trial"].tolist() == list(range(1, 13))
        assert runs[0]["score"].tolist() == runs[1]["score"].tolist()


def test_a_peer_that_is_not_installed_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botorch", None)
    assert main(["--table", "mixed", "--samplers", "botorch", "--out", str(tmp_path / "runs.csv")]) == 2
    assert capsys.readouterr().err.startswith("error: --samplers: botorch needs its packages: pip install")
