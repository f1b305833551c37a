from evaluator.costs import COSTS
from nas.report.forecast import BaselineCost, forecast_text, thin_data_warnings
from tests.toy_search import ToySpace

DATA = {"name": "toys", "train": 1000, "validation": 100, "test": 50, "image_size": 8, "channels": 1, "classes": 10}


def text(*seconds: float, trials: int = 10, epochs: int = 4, workers: int = 2) -> str:
    baselines = [
        BaselineCost(name=f"Toy {number}", costs={"macs": 2e6, "params": 1e5}, step_seconds=second)
        for number, second in enumerate(seconds)
    ]
    return forecast_text(
        data=DATA,
        space=ToySpace(),
        quantities=[cost.objective(1.0) for cost in COSTS.values()],
        baselines=baselines,
        trials=trials,
        epochs=epochs,
        batch_size=100,
        workers=workers,
        device="cpu",
    )


def test_the_time_is_trials_times_steps_times_the_mean_step_over_the_workers() -> None:
    assert "about 60 seconds" in text(0.2, 0.4), "10 trials x 4 epochs x 10 steps x 0.3 s / 2 workers"
    assert "about 10 minutes" in text(3.0)
    assert "about 3.3 hours" in text(60.0)


def test_it_tells_the_size_of_the_space_and_the_cost_of_each_baseline() -> None:
    told = text(0.1)
    assert "toy: 4 decisions, 1 of them real-valued; the others have 32 combinations" in told
    assert "Toy 0" in told
    assert "2.00M multiply-adds" in told
    assert "100k parameters" in told


def test_without_a_baseline_no_time_is_told() -> None:
    assert "not estimated" in text()


def test_too_few_images_to_choose_by_and_too_few_steps_are_warned_of() -> None:
    (few_images,) = thin_data_warnings({"validation": 25}, 1000)
    assert "25 validation images" in few_images
    assert "less than 23 points" in few_images, "twice the square root of 2 times that of .8 x .2 / 25"
    assert "2 points take about 3,200 images" in few_images
    (few_steps,) = thin_data_warnings({"validation": 5000}, 2)
    assert "2 training steps" in few_steps
    assert thin_data_warnings({"validation": 600}, 400) == []
    assert len(thin_data_warnings({"validation": 240}, 2 * 102)) == 2, "so few images and steps have misled"
