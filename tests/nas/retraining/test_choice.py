from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from nas.candidate import Candidate
from nas.errors import SettingsError
from nas.portrait import KindStyle, Legend, Portrait
from nas.records import TrialState
from nas.report.findings.recommendation import recommendation
from nas.retraining.choice import best, by_number, largest_unchanged, networks
from nas.retraining.networks import Network, Role
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeTrial
from tests.toy_search import ToySpace, toy_costs

LEGEND = Legend(
    styles=(KindStyle(name="fixed", label="fixed", unchanged=True), KindStyle(name="learned", label="learned"))
)


class Space(ToySpace):
    def portrait(self, candidate: Candidate) -> Portrait:
        return Portrait(
            description=f"width {candidate.architecture['width']}", kind=str(candidate.architecture["mixer"])
        )

    def unchanged(self) -> Mapping[str, Any]:
        return {"mixer": "fixed"}


class Make:
    """Makes searches of the toy space, from widths, mixers, rates and accuracies."""

    def __init__(self, make_result: MakeResult, make_trial: MakeTrial) -> None:
        self._result, self._trial = make_result, make_trial

    def __call__(self, *rows: tuple[int, str, float, float], baselines: int = 0, **facts: Any) -> SearchResult:
        trials = []
        for number, (width, mixer, rate, accuracy) in enumerate(rows):
            architecture: dict[str, Any] = {
                "width": width,
                "mixer": mixer,
                **({"rank": 0} if mixer == "learned" else {}),
            }
            candidate = Candidate(space="toy", architecture=architecture, training={"lr": rate})
            made = self._trial(
                number,
                accuracy=accuracy,
                architecture=architecture,
                training={"lr": rate},
                **dict[str, Any](toy_costs(candidate)),
                baseline=f"Toy {width}" if number < baselines else None,
                **facts.get(f"trial{number}", {}),
            )
            trials.append(replace(made, candidate=candidate, genotype={"rank": 0, **architecture, "lr": rate}))
        portraits = {trial.number: Space().portrait(trial.candidate) for trial in trials}
        return self._result(trials, legend=LEGEND, portraits=portraits)


@pytest.fixture
def make(make_result: MakeResult, make_trial: MakeTrial) -> Make:
    return Make(make_result, make_trial)


def picked(result: SearchResult, *numbers: int) -> dict[str, Network]:
    found = networks(result, Space(), toy_costs, by_number(result, numbers))
    return {network.name: network for network in found}


def test_beside_a_changed_network_is_the_unchanged_one_nearest_in_the_logarithm_of_cost(make: Make) -> None:
    # 32² · 1.1 lies between 16² and 64²: 4.4 times the one, and a 3.6th of the other.
    result = make((16, "fixed", 0.1, 70.0), (64, "fixed", 0.3, 80.0), (32, "learned", 0.2, 78.0))
    found = picked(result, 2)
    assert list(found) == ["2", "1"]
    assert (found["2"].role, found["2"].peer, found["2"].expected) == (Role.CHOSEN, "1", 78.0)
    assert (found["1"].role, found["1"].peer) == (Role.UNCHANGED, None)


def test_a_tuned_unchanged_network_has_the_best_settings_that_were_found_for_it(make: Make) -> None:
    result = make(
        (16, "fixed", 0.1, 70.0),
        (16, "fixed", 0.3, 74.0),
        (16, "fixed", 0.9, 60.0),
        (16, "learned", 0.2, 78.0),
        baselines=1,
    )
    found = picked(result, 3)["1"]
    assert found.candidate.training == {"lr": 0.3}
    assert found.training_from == "the best that the search found for this network (trial 1)"
    assert found.expected == 74.0


def test_one_that_was_not_tuned_shares_the_settings_of_the_chosen_network(make: Make) -> None:
    result = make((16, "fixed", 0.1, 70.0), (16, "learned", 0.2, 78.0), (16, "learned", 0.4, 77.0), baselines=1)
    found = picked(result, 1, 2)
    assert list(found) == ["1", "0-as-1", "2", "0-as-2"]
    shared = found["0-as-1"]
    assert shared.candidate.architecture == result.trials[0].candidate.architecture
    assert shared.candidate.training == {"lr": 0.2}
    assert shared.training_from == "those of the chosen network beside it (1)"
    assert shared.expected is None
    assert shared.costs == toy_costs(shared.candidate)


def test_without_a_trained_unchanged_network_the_space_is_asked(make: Make) -> None:
    # The space names widths 8 and 16; the chosen network without its mixer is nearer.
    found = picked(make((64, "learned", 0.2, 78.0)), 0)
    assert list(found) == ["0", "unchanged-0-as-0"]
    assert found["unchanged-0-as-0"].candidate.architecture == {"width": 64, "mixer": "fixed"}
    found = picked(make((8, "learned", 0.2, 78.0)), 0)
    assert found["0"].peer == "Toy-8-as-0"


def test_unchanged_networks_have_none_beside_them_and_nobody_is_trained_twice(make: Make) -> None:
    result = make((16, "fixed", 0.1, 70.0), (16, "fixed", 0.3, 74.0), (16, "learned", 0.2, 78.0), baselines=1)
    found = picked(result, 1, 2)
    assert list(found) == ["1", "2"]
    assert (found["1"].role, found["1"].peer, found["2"].peer) == (Role.CHOSEN, None, "1")


def test_the_best_are_the_recommended_one_and_then_the_most_accurate_ones(make: Make) -> None:
    result = make(
        *((width, "learned", 0.2, accuracy) for width, accuracy in ((8, 50.0), (16, 70.0), (32, 72.0), (64, 73.0)))
    )
    taken = recommendation(result)
    assert taken is not None
    assert taken.trial == 1
    assert [trial.number for trial in best(result, 3)] == [1, 3, 2]
    assert [trial.number for trial in best(result, 9)] == [1, 3, 2, 0]


def test_trials_that_are_not_there_or_have_no_end_are_refused_by_name(make: Make) -> None:
    result = make((8, "fixed", 0.1, 50.0), (16, "fixed", 0.1, 70.0), trial1={"state": TrialState.STOPPED})
    with pytest.raises(SettingsError, match=r"^--trials: there is no trial 7; allowed: 0 to 1$"):
        by_number(result, [0, 7])
    with pytest.raises(SettingsError, match=r"trial 1 was not trained to its end \(it is stopped\)"):
        by_number(result, [1])


def test_a_repeat_stands_for_the_first_training_of_its_network(make: Make) -> None:
    result = make((8, "fixed", 0.1, 50.0), (8, "fixed", 0.1, 52.0), trial1={"replicate_of": 0})
    assert [trial.number for trial in by_number(result, [1, 0])] == [0]


def test_the_largest_unchanged_network_teaches(make: Make) -> None:
    teacher = largest_unchanged(make((64, "learned", 0.2, 78.0)), Space(), toy_costs, "macs")
    assert teacher.role is Role.TEACHER
    assert teacher.name == "teacher-Toy-16"
    assert teacher.candidate.architecture == {"width": 16, "mixer": "fixed"}
    tuned = make((16, "fixed", 0.7, 78.0))
    assert largest_unchanged(tuned, Space(), toy_costs, "macs").candidate.training == {"lr": 0.7}


def test_what_would_have_to_be_measured_is_taken_from_a_trial_of_the_same_architecture(make: Make) -> None:
    def nothing_known(_candidate: Candidate) -> Mapping[str, float]:
        return {"params": 1.0}

    result = make((16, "fixed", 0.1, 70.0), (16, "learned", 0.2, 78.0), baselines=1)
    _, beside = networks(result, Space(), nothing_known, by_number(result, [1]))
    assert beside.name == "0-as-1"
    assert beside.costs == result.trials[0].costs
