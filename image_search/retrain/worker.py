"""Makes the evaluator of a worker process that trains chosen networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from evaluator.settings import DataSettings, TrainSettings
from image_search.check import begin_check
from nas.ports import Evaluator

if TYPE_CHECKING:
    from evaluator.loaded import Loaded
    from evaluator.training.losses import BatchLoss
    from nas.space import SearchSpace


def make_evaluator(
    space: Mapping[str, Any],
    data: Mapping[str, Any],
    train: Mapping[str, Any],
    evaluator: Mapping[str, Any],
    retraining: Mapping[str, Any],
    images: Mapping[str, Any] | None = None,
    arrays: Mapping[str, Any] | None = None,
    check: Mapping[str, Any] | None = None,
) -> Evaluator:
    """The evaluator, from plain JSON, and from decoded images if the engine shares them.

    Args:
        space: See `image_search.worker.make_evaluator`, as for all arguments but `retraining`.
        data: The settings of the images.
        train: The settings of trainings.
        evaluator: Further arguments of the evaluator.
        retraining: `trainings`, the name and the lesson of each training in the order of their numbers; `teachers`, how each is
            made, by its key; `mean` and `std` of the images.
        images: Description of the arrays.
        arrays: Decoded images and their labels.
        check: Networks by which the machine is checked before it trains anything.

    Raises:
        MachineError: A check was asked for, and this machine has failed it.
    """
    from evaluator.images.cache import SetDescription
    from evaluator.images.data import TrainingImages
    from evaluator.whole_training import Named, WholeTraining
    from search_spaces import space_in_worker

    if check is not None:
        with begin_check(check) as under_way:
            under_way.require()
    made = space_in_worker(space)
    settings = TrainSettings(**train)
    if any(each["form"] == "onnx" for each in retraining["teachers"].values()):
        # ONNX Runtime takes the images on the host, which cannot be a part of a CUDA graph.
        settings = replace(settings, graphs=False)
    shared = TrainingImages(**arrays, description=SetDescription.from_json(images)) if arrays and images else None
    return WholeTraining(
        made.build,
        DataSettings(**data),
        settings,
        images=shared,
        named={
            number: Named(name=name, lesson=lesson) for number, (name, lesson) in enumerate(retraining["trainings"])
        },
        teach=partial(_taught, retraining, made),
        **evaluator,
    )


def _taught(retraining: Mapping[str, Any], space: SearchSpace, lesson: Mapping[str, Any], loaded: Loaded) -> BatchLoss:
    """The loss of a training that has a lesson."""
    from evaluator.distillation.losses import Distillation, Lesson
    from evaluator.training.losses import CrossEntropy
    from image_search.retrain.teachers import make_teacher

    described, device = retraining["teachers"][lesson["teacher"]], loaded.execution.device
    teacher = make_teacher(described, retraining["mean"], retraining["std"], device, space)
    assert isinstance(loaded.loss, CrossEntropy)
    listened = Lesson(
        form=lesson["form"],
        temperature=lesson["temperature"],
        weight=lesson["weight"],
        beta=lesson.get("beta", 1.0),
    )
    return Distillation(loaded.loss, teacher, listened)
