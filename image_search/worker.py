"""Makes the evaluator of a worker process from what the search sends to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluator.settings import DataSettings, TrainSettings
from image_search.check import begin_check
from nas.ports import Evaluator


def make_evaluator(
    space: Mapping[str, Any],
    data: Mapping[str, Any],
    train: Mapping[str, Any],
    evaluator: Mapping[str, Any],
    images: Mapping[str, Any] | None = None,
    arrays: Mapping[str, Any] | None = None,
    check: Mapping[str, Any] | None = None,
) -> Evaluator:
    """The evaluator of a worker process, from plain JSON, and from decoded images if the engine shares them.

    Args:
        space: The space, as `search_spaces.space_for_workers` describes it.
        data: The settings of the images.
        train: The settings of trainings.
        evaluator: Further arguments of `evaluator.worker.TrainingEvaluator`.
        images: Description of the arrays.
        arrays: Decoded images and their labels. Without them, images come from the cache of this machine.
        check: Networks of `image_search.check.checked_networks` by which the machine is checked before it trains anything.

    Raises:
        MachineError: A check was asked for, and this machine has failed it.
    """
    from evaluator.images.cache import SetDescription
    from evaluator.images.data import TrainingImages
    from evaluator.worker import TrainingEvaluator
    from search_spaces import space_in_worker

    if check is not None:
        with begin_check(check) as under_way:
            under_way.require()
    shared = TrainingImages(**arrays, description=SetDescription.from_json(images)) if arrays and images else None
    return TrainingEvaluator(
        space_in_worker(space).build, DataSettings(**data), TrainSettings(**train), images=shared, **evaluator
    )
