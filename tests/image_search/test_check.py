"""What a search has checked before it trains, and how it ends where the machine fails."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import image_search.run
import image_search.worker
from evaluator.measuring.machine_check import MachineCheck
from evaluator.settings import TrainSettings
from image_search.check import checked_networks, make_subjects
from image_search.plan import Plan
from image_search.settings import Settings
from nas.engines.ray_tune.settings import RaySettings
from nas.errors import MachineError
from nas.output.machine import Machine
from nas.settings.search import SearchSettings
from run_search import main, search
from search_spaces import space_settings
from tests.search_spaces.any_space import changed

SMALL = Settings(
    space=space_settings(widths=(8, 12), units=((1,), (1,), (1,)), reductions=(4,)),
    search=SearchSettings(trials=2, workers=1, sampler="random"),
    train=TrainSettings(epochs=1, batch_size=64),
    device="cpu",
)
FLAGS = [
    "--space.widths", "[8,12]", "--space.units", "[[1],[1],[1]]", "--space.reductions", "[4]", "--search.trials", "2",
    "--search.workers", "1", "--search.sampler", "random", "--train.epochs", "1", "--device", "cpu",
]  # fmt: skip


@pytest.fixture
def machine_is_right() -> None:
    """It is really checked here."""


@pytest.fixture
def faulty_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a check is begun, it is of a network with a wrong gradient."""

    def begin(_networks: object) -> MachineCheck:
        return MachineCheck("tests.evaluator.checked_networks:make_subjects", {"names": ["off"]})

    for module in (image_search.run, image_search.worker):
        monkeypatch.setattr(module, "begin_check", begin)


def test_the_cheapest_and_the_costliest_baseline_are_computed_as_workers_will() -> None:
    plan = Plan(replace(SMALL, train=replace(SMALL.train, threads=2, channels_last=False)))
    asked = json.loads(json.dumps(checked_networks(plan)))
    assert list(asked["candidates"]) == ["ShuffleNetV2 (8), units 1-1-1", "ShuffleNetV2 (12), units 1-1-1"]
    subjects = make_subjects(**asked)
    sizes = [sum(parameter.numel() for parameter in subject.network.parameters()) for subject in subjects]
    assert sizes == [plan.exact_costs(candidate)["params"] for candidate in plan.known_candidates.values()]
    for subject in subjects:
        assert subject.input_shape == (64, 1, 8, 8)
        assert subject.threads == 2
        assert subject.execution == plan.execution
        assert not subject.execution.channels_last


def test_where_there_is_no_baseline_drawn_networks_are_computed() -> None:
    plan = Plan(replace(SMALL, space=changed(SMALL.space, mixers=("static", "dynamic"))))
    macs = [plan.exact_costs(candidate)["macs"] for candidate in plan.known_candidates.values()]
    assert len(macs) == 16
    names = checked_networks(plan)["candidates"]
    assert [plan.exact_costs(plan.known_candidates[name])["macs"] for name in names] == [min(macs), max(macs)]


@pytest.mark.usefixtures("faulty_machine")
def test_on_a_machine_that_fails_nothing_is_trained_and_elsewhere_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*FLAGS, "--output", str(tmp_path / "run")]
    assert main(command) == 2
    (error,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    assert "the gradient of 3.scale in off" in error
    assert "Nothing was trained with it; what may help: --train.channels_last false, another version of torch" in error
    assert not {"trials.csv", "report.html", "checkpoints", "logs"} & {
        path.name for path in (tmp_path / "run").iterdir()
    }
    monkeypatch.undo()
    assert main([*command, "--train.channels_last", "false"]) == 0
    provenance = json.loads((tmp_path / "run" / "provenance.json").read_text())
    machine = Machine.from_json(provenance["machine"])
    assert (machine.threads, machine.precision, machine.channels_last) == (1, "fp32", False)
    assert str(machine) in (tmp_path / "run" / "report.html").read_text()
    assert (tmp_path / "run" / "trials.csv").read_text().count("complete") == 2


def test_where_nothing_is_left_to_train_no_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(SMALL, output=str(tmp_path / "run"))
    front = search(settings)

    def refuse(_check: MachineCheck) -> None:
        raise MachineError("it fails")

    monkeypatch.setattr(MachineCheck, "require", refuse)
    assert search(settings) == front
    with pytest.raises(MachineError):
        search(replace(settings, search=replace(settings.search, trials=3)))


@pytest.mark.usefixtures("faulty_machine")
def test_of_a_cluster_each_worker_checks_its_own_machine(tmp_path: Path) -> None:
    here = Plan(replace(SMALL, search=replace(SMALL.search, engine="ray")))
    assert here.worker_spec(tmp_path).arguments["check"] is None
    cluster = Plan(replace(here.settings, ray=RaySettings(address="10.0.0.1:6379")))
    arguments = cluster.worker_spec(tmp_path).arguments
    assert arguments["check"] == checked_networks(cluster)
    with pytest.raises(MachineError, match=r"the gradient of 3\.scale in off"):
        image_search.worker.make_evaluator(**arguments)
