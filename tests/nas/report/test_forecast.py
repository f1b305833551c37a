from evaluator.costs import COSTS
from nas.report.forecast import BaselineCost, forecast_text, thin_data_warnings
from tests.toy_search import ToySpace

DATA = {"name": "toys", "train": 1000, "validation": 100, "test": 50, "image_size": 8, "channels": 1, "classes": 10}


def text(*seconds: float) -> str:
    baselines = [
        BaselineCost(name=f"Toy {number}", costs={"macs": 2e6, "params": 1e5}, step_seconds=second)
        for number, second in enumerate(seconds)
    ]
    return forecast_text(
        data=DATA,
        space=ToySpace(),
        quantities=[cost.objective(1.0) for cost in COSTS.values()],
        baselines=baselines,
        training="epochs      4, for 1,000 training images",
        steps=40,
        seconds=(130.0, 230.0),
        what="10 trials of 4 epochs",
    )


def test_it_tells_the_length_of_a_training_and_the_time_as_a_range() -> None:
    told = text(0.2, 0.4).splitlines()
    assert "epochs      4, for 1,000 training images" in told
    assert "time        between 2 and 4 minutes: 10 trials of 4 epochs" in told
    assert "40 training steps in all" in told[-1]


def test_it_tells_the_size_of_the_space_and_the_cost_of_each_baseline() -> None:
    told = text(0.1)
    assert "toy: 4 decisions, 1 of them real-valued; the others have 32 combinations" in told
    assert "Toy 0" in told
    assert "2.00M multiply-adds" in told
    assert "100k parameters" in told
    assert "100.0 ms per step" in told


def test_without_a_baseline_the_time_is_told_all_the_same() -> None:
    assert "between 2 and 4 minutes" in text()
    assert "baselines" not in text()


def test_too_few_images_to_choose_by_and_too_few_steps_are_warned_of() -> None:
    (few_images,) = thin_data_warnings({"validation": 25}, 1000)
    assert "25 validation images" in few_images
    assert "less than 23 points" in few_images, "twice the square root of 2 times that of .8 x .2 / 25"
    assert "2 points take about 3,200 images" in few_images
    (few_steps,) = thin_data_warnings({"validation": 5000}, 2)
    assert "2 training steps" in few_steps
    assert thin_data_warnings({"validation": 600}, 400) == []
    assert len(thin_data_warnings({"validation": 240}, 2 * 102)) == 2, "so few images and steps have misled"
