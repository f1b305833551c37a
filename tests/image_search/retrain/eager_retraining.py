"""The command `retrain` with a checkpoint after each epoch, and slow epochs, for a test that kills it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import image_search.retrain.run
import image_search.retrain.worker
from evaluator.worker import TrainingEvaluator
from image_search.plan import Plan
from image_search.retrain.command import main
from image_search.retrain.folder import RetrainedFolder
from image_search.retrain.trainings import Trainings
from nas.ports import Evaluator, WorkerSpec

worker_spec = image_search.retrain.run._worker_spec


def eager_spec(plan: Plan, folder: RetrainedFolder, trainings: Trainings) -> WorkerSpec:
    spec = worker_spec(plan, folder, trainings)
    return replace(spec, factory="tests.image_search.retrain.eager_retraining:make_evaluator")


def make_evaluator(**arguments: Any) -> Evaluator:
    evaluator = image_search.retrain.worker.make_evaluator(**arguments)
    assert isinstance(evaluator, TrainingEvaluator)
    evaluator._checkpoint_seconds = 0.0
    return evaluator


if __name__ == "__main__":
    image_search.retrain.run._worker_spec = eager_spec
    sys.exit(main(sys.argv[1:]))
