"""The command of a search, with a checkpoint after each epoch instead of every few seconds; for a test that kills it.

So there is one to go on from, however fast the machine trains.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import image_search.plan
import image_search.worker
from evaluator.worker import TrainingEvaluator
from nas.ports import Evaluator, WorkerSpec
from run_search import main

worker_spec = image_search.plan.Plan.worker_spec


def eager_spec(plan: image_search.plan.Plan, checkpoints: Path) -> WorkerSpec:
    return replace(worker_spec(plan, checkpoints), factory="tests.image_search.eager_checkpoints:make_evaluator")


def make_evaluator(**arguments: Any) -> Evaluator:
    evaluator = image_search.worker.make_evaluator(**arguments)
    assert isinstance(evaluator, TrainingEvaluator)
    evaluator._checkpoint_seconds = 0.0
    return evaluator


if __name__ == "__main__":
    image_search.plan.Plan.worker_spec = eager_spec  # type: ignore[method-assign, assignment]
    sys.exit(main())
