"""Trains one task on digits, telling each epoch and waiting for a line before the last; a test kills this process in the middle.

Arguments: the cache, the folder of checkpoints, the number of epochs.
"""

from __future__ import annotations

import sys

from evaluator.settings import DataSettings, TrainSettings
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.candidate import Candidate
from nas.records import Progress, Task
from tests.evaluator.networks import shuffling_network


def make_evaluator(cache: str, checkpoints: str) -> TrainingEvaluator:
    """With a checkpoint after each epoch."""
    return TrainingEvaluator(
        lambda candidate: shuffling_network(),
        DataSettings(cache=cache, train_limit=300, validation_share=0.2),
        TrainSettings(batch_size=32),
        device="cpu",
        checkpoints=checkpoints,
        split_seed=0,
        checkpoint_seconds=0.0,
    )


def make_task(epochs: int) -> Task:
    candidate = Candidate(space="toy", architecture={}, training={"lr": 0.2, "weight_decay": 1e-4, "orth_weight": 0.1})
    return Task(trial=1, candidate=candidate, budget=Budget(epochs=epochs), seed=1)


def main() -> None:
    epochs = int(sys.argv[3])

    def tell(progress: Progress) -> None:
        sys.stdout.write(f"{progress.epochs}\n")
        sys.stdout.flush()
        if progress.epochs == epochs - 1:
            sys.stdin.readline()

    make_evaluator(sys.argv[1], sys.argv[2]).evaluate(make_task(epochs), tell)


if __name__ == "__main__":
    main()
