"""The benchmark of a sampler's asks."""

from __future__ import annotations

import optuna
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from benchmarks.ask_time import seconds_of_batches, study_with
from benchmarks.searched_spaces import mixed_problem


class _Counting(RandomSampler):
    """Remembers how many trials ran when it was asked."""

    def __init__(self) -> None:
        super().__init__(seed=0)
        self.running: list[int] = []

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: object) -> None:
        self.running.append(len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))))


def test_a_batch_is_asked_for_whole_before_any_of_it_is_told() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problem, sampler = mixed_problem(), _Counting()
    study = study_with(problem, sampler, 20, seed=0)
    assert len(seconds_of_batches(problem, study, batch=4, batches=2)) == 2
    assert sampler.running == [4, 3, 2, 1] * 2
    assert len(study.trials) == 28
    assert all(trial.state is TrialState.COMPLETE for trial in study.trials)
