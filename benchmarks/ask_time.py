"""How long a sampler takes for a proposal, singly and in batches, with more and more finished trials.

    python -m benchmarks.ask_time --finished 1000 10000 --batches 1 32

The space is the mixed conditional one of `benchmarks.samplers`, and the study is in memory. Finished trials are drawn from
the space. All candidates of a batch are asked for before any result is told.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence

import numpy as np
import optuna
from optuna.trial import create_trial
from tqdm import tqdm

from benchmarks.command import command
from benchmarks.samplers import SAMPLERS
from benchmarks.searched_spaces import Genotype, Problem, mixed_problem
from evaluator.machine import this_machine
from nas.samplers.distributions import draw


def study_with(problem: Problem, sampler: optuna.samplers.BaseSampler, finished: int, seed: int) -> optuna.Study:
    """A study in memory with so many finished trials, which are drawn from the space."""
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    rng = np.random.default_rng(seed)
    drawn = [draw(problem.distributions, rng) for _ in range(finished)]
    study.add_trials(
        [
            create_trial(
                params=genotype,
                distributions={name: problem.distributions[name] for name in genotype},
                values=values_of(problem, genotype),
            )
            for genotype in drawn
        ]
    )
    return study


def values_of(problem: Problem, genotype: Genotype) -> tuple[float, float]:
    """Accuracy and cost of a genotype."""
    return problem.accuracy(genotype), problem.cost(genotype)


def seconds_of_batches(problem: Problem, study: optuna.Study, batch: int, batches: int) -> list[float]:
    """Mean seconds per candidate of each batch. Results are told between batches."""
    seconds = []
    for _ in range(batches):
        begin = time.perf_counter()
        trials = [study.ask(problem.distributions) for _ in range(batch)]
        seconds.append((time.perf_counter() - begin) / batch)
        for trial in trials:
            study.tell(trial, values_of(problem, trial.params))
    return seconds


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sampler", default="known_cost", choices=sorted(SAMPLERS))
    parser.add_argument("--finished", type=int, nargs="+", default=[1000, 10_000], help="Numbers of finished trials.")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32], help="Sizes of a batch.")
    parser.add_argument("--repeats", type=int, default=20, help="Batches that are timed, after one that is not.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    problem = mixed_problem()
    cells = [(finished, batch) for finished in options.finished for batch in options.batches]
    rows = []
    for finished, batch in tqdm(cells, unit="row", leave=False):
        study = study_with(problem, SAMPLERS[options.sampler](problem, options.seed), finished, options.seed)
        seconds_of_batches(problem, study, batch, 1)
        milliseconds = 1000 * np.array(seconds_of_batches(problem, study, batch, options.repeats))
        rows.append(
            f"| {finished} | {batch} | {np.median(milliseconds):.1f} | {milliseconds.min():.1f} to {milliseconds.max():.1f} |"
        )
    print(f"{this_machine(1)}; {options.sampler}, {options.repeats} batches each")
    print("| finished trials | asked at once | ms a candidate, median | lowest to highest |\n|---|---|---|---|")
    print("\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
