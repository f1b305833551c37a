"""Search a space of your own with an evaluator of your own: here scikit-learn's networks on its digits, in half a minute."""

import warnings
from itertools import pairwise

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from nas.candidate import Candidate
from nas.dimensions import Choice, FloatRange, IntRange, When
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Task
from nas.search.own_search import make_driver, search_in_process
from nas.simple_space import SimpleSpace

IMAGES, CLASSES = load_digits(return_X_y=True)
SPLIT = train_test_split(IMAGES / 16, CLASSES, test_size=600, random_state=0)  # to choose by; keep others to report on
SPACE = SimpleSpace(
    "digits",
    IntRange(name="first", low=4, high=128, log=True),
    Choice(name="layers", choices=(1, 2)),
    IntRange(name="second", low=4, high=128, log=True, condition=(When(name="layers", values=(2,)),)),
    Choice(name="activation", choices=("relu", "tanh")),
    FloatRange(name="rate", low=1e-3, high=1e-1, log=True),
)


def widths(candidate: Candidate) -> list[int]:
    sizes = (candidate.architecture.get(name) for name in ("first", "second"))
    return [size for size in sizes if isinstance(size, int)]


def costs(candidate: Candidate) -> dict[str, float]:
    sizes = [64, *widths(candidate), 10]
    return {"macs": float(sum(a * b for a, b in pairwise(sizes)))}


class Evaluator:
    def evaluate(self, task: Task, progress: Tell) -> Evaluation:
        chosen, (train, validation, train_classes, classes) = task.candidate.architecture, SPLIT
        network = MLPClassifier(widths(task.candidate), activation=chosen["activation"],
                                learning_rate_init=chosen["rate"], max_iter=20, random_state=task.seed)  # fmt: skip
        accuracy = 100 * network.fit(train, train_classes).score(validation, classes)
        return Evaluation(measurements={"accuracy": Measurement(mean=accuracy)}, seconds=0.0, epochs=1)


if __name__ == "__main__":
    accuracy = Objective(
        name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=10
    )
    macs = Objective(
        name="macs", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=1e5, log=True
    )
    warnings.simplefilter("ignore")  # twenty epochs are few
    driver = make_driver(SPACE, (accuracy, macs), costs, trials=40)
    search_in_process(driver, Evaluator())
    for number, (reached, cost) in zip(driver.front().trials, driver.front().values, strict=True):
        print(f"{reached:5.1f} %  {cost:8,.0f} multiply-adds  {dict(driver.trials[number].candidate.architecture)}")
