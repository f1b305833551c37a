"""Search a space of your own by an error that is minimized, on two workers, to a report: a few seconds, runs/own_error."""

import sys
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from nas.candidate import Candidate
from nas.dimensions import Choice, IntRange
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.ports import Tell
from nas.records import Evaluation, Measurement, Task
from nas.report import write_report
from nas.search.own_search import make_driver, result_of, search_in_processes
from nas.simple_space import SimpleSpace

SIZES = (IntRange(name="trees", low=1, high=64, log=True), IntRange(name="leaves", low=2, high=128, log=True))
SPACE = SimpleSpace("forests", *SIZES, Choice(name="criterion", choices=("gini", "entropy")))
ERROR = Objective(name="error", direction=Direction.MINIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=90)
COST = Objective(
    name="nodes", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="nodes", reference=8192, log=True
)


def nodes(forest: Candidate) -> dict[str, float]:
    return {"nodes": float(str(forest.architecture["trees"])) * float(str(forest.architecture["leaves"]))}


class Evaluator:
    split = train_test_split(*load_digits(return_X_y=True), random_state=0)

    def evaluate(self, task: Task, progress: Tell) -> Evaluation:
        (train, images, train_classes, classes), (trees, leaves, criterion) = (
            self.split,
            task.candidate.architecture.values(),
        )
        forest = RandomForestClassifier(trees, max_leaf_nodes=leaves, criterion=criterion, random_state=task.seed)
        wrong = 100 * (1 - forest.fit(train, train_classes).score(images, classes))
        return Evaluation(measurements={"error": Measurement(mean=wrong)}, seconds=0.0, epochs=1)


if __name__ == "__main__":
    output, driver = Path(*sys.argv[1:2] or ["runs/own_error"]), make_driver(SPACE, (ERROR, COST), nodes, trials=24)
    search_in_processes(driver, f"{Path(__file__).stem}:Evaluator", workers=2, logs=output / "logs")
    write_report(result_of(driver, name="digits"), output)
