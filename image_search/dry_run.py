"""The expected cost of a search of images, before anything is trained."""

from __future__ import annotations

from image_search.plan import Plan
from image_search.settings import Settings, require_sound


def dry_run(settings: Settings) -> str:
    """The size of the space, the costs of the baselines and an estimate of the time, in words.

    It trains nothing, and writes nothing except the image cache.
    """
    from evaluator.training.probe import step_seconds
    from nas.report.forecast import BaselineCost, forecast_text

    require_sound(settings)
    plan = Plan(settings)
    plan.refuse_impossible()
    train = plan.settings.train
    baselines = []
    for name, genotype in plan.space.baselines().items():
        candidate = plan.space.decode(genotype)
        seconds = step_seconds(
            plan.space.build(candidate), plan.data.input_shape, plan.data.classes, train, plan.device.type
        )
        baselines.append(BaselineCost(name=name, step_seconds=seconds, costs=plan.exact_costs(candidate)))
    return forecast_text(
        data=plan.data.to_json(),
        space=plan.space,
        quantities=plan.axes.declared,
        baselines=baselines,
        trials=settings.search.trials,
        epochs=train.epochs,
        batch_size=train.batch_size,
        workers=plan.workers,
        device=plan.device.type,
    )
