"""A study that an earlier version has written is continued: its costs as they are counted today, and nothing lost.

What is expected comes from counting the recorded candidates now, so these tests hold whatever the count is.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
import pandas as pd
import pytest
import torch

import evaluator.measuring.cost_table
from evaluator.measuring.cost import count_cost
from evaluator.measuring.cost_table import CostTable
from image_search.command_line import WEIGHTLESS, read_settings
from image_search.plan import Plan
from image_search.run import run
from nas.candidate import Candidate
from nas.output.stored_front import read_candidates
from nas.records import Trial, TrialState
from nas.search.estimates import Estimates
from nas.search.result import SearchResult
from nas.study.storage import open_storage, sqlite_url
from nas.study.stored_study import find_study
from run_search import main
from search_spaces import load_model

BEFORE = Path(__file__).parents[1] / "data" / "study_of_before"
TRIALS = 12
LIMIT = 53_000.0
LESS = 0.9
"""By which another count takes static matrices into account."""


def has_static_matrix(candidate: Candidate) -> bool:
    return any(name.endswith("kron_rank") for name in candidate.architecture)


class AnotherCount(CostTable):
    """A count after today's."""

    def __call__(self, candidate: Candidate) -> Mapping[str, float]:
        known = super().__call__(candidate)
        return {**known, "macs": LESS * known["macs"]} if has_static_matrix(candidate) else known


@dataclass(frozen=True)
class Continued:
    """The study of before, continued."""

    output: Path
    plan: Plan
    result: SearchResult
    told: str
    """On the console."""
    before: tuple[Trial, ...]
    costs: Callable[[Candidate], dict[str, float]]
    """As the deployed network has them, counted without the search."""


def command(output: Path, *more: str) -> list[str]:
    config = ["--config", str(BEFORE / "search.yaml"), "--output", str(output), "--device", "cpu"]
    return [*config, "--search.workers", "1", "--search.replicates", "1", *more]


@pytest.fixture(scope="module", params=["today's count", "another count"])
def continued(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Continued]:
    output = tmp_path_factory.mktemp("before") / "run"
    shutil.copytree(BEFORE, output)
    another = request.param == "another count"
    with pytest.MonkeyPatch.context() as patch:
        if another:
            patch.setattr(evaluator.measuring.cost_table, "CostTable", AnotherCount)
            patch.setattr(evaluator.measuring.cost_table, "VERSION", evaluator.measuring.cost_table.VERSION + 1)
        settings, _ = read_settings(command(output))
        plan = Plan(settings)
        storage = open_storage(sqlite_url(output / "study.db"))
        study = find_study(storage, "search", plan.objectives)
        assert study is not None
        before = tuple(trial for trial, _ in study.trials)

        def costs(candidate: Candidate) -> dict[str, float]:
            with torch.device("meta"):
                network = plan.space.build(candidate).eval()
            cost = count_cost(network, plan.data.input_shape)
            less = LESS if another and has_static_matrix(candidate) else 1.0
            return {"macs": less * cost.macs, "params": float(cost.params)}

        with contextlib.redirect_stderr(io.StringIO()) as told:
            result = run(settings)
        yield Continued(output, plan, result, told.getvalue(), before, costs)


def test_every_cost_is_as_it_is_counted_today(continued: Continued) -> None:
    assert len(continued.before) == 27
    for before, now in zip(continued.before, continued.result.trials, strict=True):
        assert now.costs == continued.costs(before.candidate), now.number


def test_the_console_says_how_many_trials_were_counted_anew(continued: Continued) -> None:
    changed = [trial for trial in continued.before if trial.costs != continued.costs(trial.candidate)]
    lines = [line for line in continued.told.splitlines() if "counted anew" in line]
    assert len(lines) == bool(changed)
    if changed:
        assert f" of {len(changed)} of {len(continued.before)} trials are counted anew" in lines[0]


def test_limits_are_judged_anew_and_all_else_stays(continued: Continued) -> None:
    assert sum(trial.state is TrialState.INFEASIBLE for trial in continued.before) == 7
    for before, now in zip(continued.before, continued.result.trials, strict=True):
        over = continued.costs(before.candidate)["macs"] > LIMIT
        if before.state is TrialState.INFEASIBLE:
            assert now.state is (TrialState.INFEASIBLE if over else TrialState.UNTRAINED)
        else:
            assert now.state is (TrialState.INFEASIBLE if over else before.state)
        kept = ("number", "genotype", "candidate", "outcome", "baseline", "reused_from", "replicate_of")
        assert [getattr(now, name) for name in kept] == [getattr(before, name) for name in kept]
    assert continued.plan.objectives[1].reference == 2 * max(
        continued.costs(trial.candidate)["macs"] for trial in continued.before if trial.baseline is not None
    )


def test_the_front_is_that_of_today_s_costs(continued: Continued) -> None:
    counted = [replace(trial, costs=continued.costs(trial.candidate)) for trial in continued.before]
    expected = Estimates(continued.plan.space, continued.plan.objectives, counted)
    assert continued.result.front == expected.front


def test_files_state_the_costs_of_today(continued: Continued) -> None:
    table = pd.read_csv(continued.output / "trials.csv")
    costs = [continued.costs(trial.candidate) for trial in continued.before]
    assert list(table["macs"]) == [cost["macs"] for cost in costs]
    assert list(table["params"]) == [cost["params"] for cost in costs]
    same = ["trial", "accuracy", "accuracy_se", "epochs", "seconds", "digest", "reused_from", "replicate_of"]
    pd.testing.assert_frame_equal(table[same], pd.read_csv(BEFORE / "trials.csv")[same])
    front = json.loads((continued.output / "pareto.json").read_text())
    assert front["costs_version"] == continued.plan.count.version
    for member in front["members"]:
        assert {name: member["values"][name] for name in ("macs", "params")} == costs[member["trial"]]
    study = optuna.load_study(
        study_name=_latest(continued.output), storage=open_storage(sqlite_url(continued.output / "study.db"))
    )
    for frozen, cost in zip(study.trials, costs, strict=True):
        assert frozen.user_attrs["costs"] == cost
        if frozen.values is not None:
            assert frozen.values[1] == cost["macs"]


def test_a_model_of_before_is_loaded_in_the_form_in_which_it_was_trained(continued: Continued) -> None:
    folder = continued.output / "models" / "13"
    network = load_model(folder)
    assert network.state_dict().keys() == torch.load(folder / "weights.pt", weights_only=True).keys()
    described = json.loads((folder / "candidate.json").read_text())
    assert described["candidate"] == continued.before[13].candidate.to_json()
    assert 13 in continued.result.front.trials
    assert described["values"]["macs"] == continued.costs(continued.before[13].candidate)["macs"]
    assert count_cost(network, continued.plan.data.input_shape).params == described["values"]["params"]


def test_the_same_command_again_changes_nothing(continued: Continued, capsys: pytest.CaptureFixture[str]) -> None:
    table = (continued.output / "trials.csv").read_text()
    studies = optuna.get_all_study_names(open_storage(sqlite_url(continued.output / "study.db")))
    assert main(command(continued.output)) == WEIGHTLESS  # of the models of its front the data here have one
    assert "counted anew" not in capsys.readouterr().err
    assert (continued.output / "trials.csv").read_text() == table
    assert optuna.get_all_study_names(open_storage(sqlite_url(continued.output / "study.db"))) == studies


def test_networks_of_before_that_are_proposed_again_are_repeats(continued: Continued, tmp_path: Path) -> None:
    """Also those that are stated otherwise today."""
    output = tmp_path / "more"
    shutil.copytree(continued.output, output)
    front = str(BEFORE / "pareto.json")
    settings, _ = read_settings(command(output, "--search.warm_start", front, "--search.trials", str(TRIALS + 1)))
    result = run(settings)
    given = [trial for trial in result.trials if str(trial.baseline).startswith("given ")]
    assert [trial.reused_from for trial in given] == [0, 11, 18, 13, 14]
    handed_out = [
        continued.plan.space.canonical(trial.candidate).digest
        for trial in result.trials
        if trial.outcome is not None and trial.reused_from is None and trial.replicate_of is None
    ]
    assert len(handed_out) == len(set(handed_out)) == TRIALS + 1


def test_another_search_begins_with_its_front(
    continued: Continued, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front = BEFORE / "pareto.json"
    members = read_candidates(front)
    stated = [member["values"] for member in json.loads(front.read_text())["members"]]
    changed = sum(
        any(values[name] != cost for name, cost in continued.costs(member).items())
        for member, values in zip(members, stated, strict=True)
    )
    assert main(command(tmp_path / "warm", "--search.warm_start", str(front), "--search.trials", "3")) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "counted anew" in line]
    assert len(lines) == bool(changed)
    if changed:
        assert f" of {changed} of the {len(members)} networks in {front} are counted anew" in lines[0]
    table = pd.read_csv(tmp_path / "warm" / "trials.csv")
    (given,) = table.index[table["baseline"].fillna("").str.startswith("given ") & (table["state"] == "complete")]
    # The first of the front is a baseline.
    assert table.loc[given, "macs"] == continued.costs(members[1])["macs"]


def _latest(output: Path) -> str:
    return max(optuna.get_all_study_names(open_storage(sqlite_url(output / "study.db"))))
