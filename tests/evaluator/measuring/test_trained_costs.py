"""Networks whose cost their training decides, from the search space through a training to the deployed network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluator.measures import MEASURES
from evaluator.measuring.cost import count_cost
from evaluator.measuring.cost_table import CostTable
from evaluator.settings import DataSettings, TrainSettings
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.dimensions import Scalar
from nas.records import Evaluation, Task
from search_spaces import compact, make_space, space_settings

IMAGE = (1, 1, 8, 8)
SETTINGS = space_settings(
    name="resnet_cifar",
    widths=(0.5,),
    units=((1,), (1,), (1,)),
    convolutions=("dense", "reconstructed", "learned_groups"),
    residual_units=("basic",),
    least_templates=(2,),
)
KINDS: dict[str, dict[str, Scalar]] = {
    "dense": {},
    "reconstructed": {"stage2.convolution": "reconstructed", "stage2.rebuilt": 0.5, "stage2.transformation": "scalar"},
    "learned_groups": {"stage3.convolution": "learned_groups", "stage3.learned_groups": 4},
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_training_decides_replaces_the_cost_that_was_aimed_at(kind: str, tmp_path: Path) -> None:
    space = make_space(SETTINGS, image_size=8, channels=1, classes=10)
    (dense,) = space.baselines().values()
    candidate = space.decode({**dense, **KINDS[kind]})
    evaluator = TrainingEvaluator(
        space.build,
        DataSettings(train_limit=600),
        TrainSettings(),
        device="cpu",
        checkpoints=str(tmp_path),
        split_seed=0,
    )
    outcome = evaluator.evaluate(
        Task(trial=0, candidate=candidate, budget=Budget(epochs=4), seed=0), lambda _progress: None
    )
    assert isinstance(outcome, Evaluation)
    aimed_at = CostTable(space.build, IMAGE)(candidate)
    network = space.build(candidate)
    network.load_state_dict(torch.load(tmp_path / "0" / "weights.pt", weights_only=True))
    deployed = count_cost(compact(network), IMAGE)
    if kind == "dense":
        assert set(outcome.measurements) == set(MEASURES)
        assert deployed.macs == aimed_at["macs"]
        return
    assert outcome.measurements["macs"].mean == deployed.macs
    assert outcome.measurements["params"].mean == count_cost(network, IMAGE).params
    # Near to what was aimed at: a filter more or less in a layer, or the margin of the levels.
    assert deployed.macs == pytest.approx(aimed_at["macs"], rel=0.15)
    assert deployed.macs < 0.9 * CostTable(space.build, IMAGE)(space.decode(dense))["macs"]
    images = torch.randn(3, *IMAGE[1:])
    torch.testing.assert_close(compact(network)(images), network.eval()(images), rtol=1e-4, atol=1e-5)
