"""The whole path, for real: images in, networks trained in worker processes, a front and a report out."""

import contextlib
import importlib.metadata
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from evaluator.images.data import load
from evaluator.settings import DataSettings, TrainSettings
from image_search.command_line import read_settings
from image_search.plan import Plan
from image_search.run import run, study_of
from image_search.settings import Settings
from nas.budget import Budget
from nas.errors import AllFailedError, StudyError
from nas.output.folder import OutputFolder
from nas.ports import WorkerSpec
from nas.records import TrialState
from nas.samplers import sampler_factory
from nas.search.driver import Driver
from nas.settings.search import SearchSettings
from nas.study.storage import open_storage, sqlite_url
from run_search import main, search
from search_spaces import load_model, space_settings
from tests.search_spaces.any_space import as_shuffle_settings, changed
from tests.toy_search import finish

ROOT = Path(__file__).parents[2]
FIRST_COLUMNS = [
    *["trial", "state", "accuracy", "accuracy_se", "expected_accuracy", "trainings"],
    *["macs", "params"],
    *["balanced_accuracy", "balanced_accuracy_se", "macro_f1", "macro_f1_se", "cross_entropy", "cross_entropy_se"],
    *["epochs", "seconds", "digest"],
]


def small(output: Path, *, trials: int = 4, epochs: int = 1, workers: int = 1, seed: int = 0) -> Settings:
    return Settings(
        space=space_settings(widths=(8, 12), units=((1,), (1,), (1,)), group_ranks=2, pair_ranks=2, reductions=(4,)),
        data=DataSettings(name="digits"),
        search=SearchSettings(trials=trials, workers=workers, sampler="random", seed=seed),
        train=TrainSettings(epochs=epochs),
        device="cpu",
        output=str(output),
    )


def flags(settings: Settings) -> list[str]:
    return [
        "--space.widths", "[8,12]", "--space.units", "[[1],[1],[1]]", "--space.reductions", "[4]",
        "--space.lr", str(list(as_shuffle_settings(settings.space).lr)),
        "--search.sampler", "random", "--search.trials", str(settings.search.trials), "--device", "cpu",
        "--search.workers", str(settings.search.workers), "--train.epochs", str(settings.train.epochs),
        "--train.batch_size", "128", "--data.validation_share", "0.1", "--output", settings.output,
    ]  # fmt: skip


def table(output: Path) -> pd.DataFrame:
    return pd.read_csv(output / "trials.csv")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("search") / "run"
    search(small(output, trials=5, epochs=2))
    return output


def test_the_output_folder_holds_what_the_readme_promises(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names >= {
        "study.db", "config.yaml", "provenance.json", "trials.csv", "pareto.csv", "pareto.json", "models",
        "pareto.png", "report.html",
    }  # fmt: skip
    trials = table(finished)
    assert list(trials.columns[: len(FIRST_COLUMNS)]) == FIRST_COLUMNS
    assert list(trials["state"]) == ["complete"] * 5
    front = pd.read_csv(finished / "pareto.csv")
    assert list(front["macs"]) == sorted(front["macs"])
    assert list(front["accuracy"]) == sorted(front["accuracy"])
    provenance = json.loads((finished / "provenance.json").read_text())
    assert provenance["versions"]["torch"] == importlib.metadata.version("torch")
    assert yaml.safe_load((finished / "config.yaml").read_text())["train"]["epochs"] == 2


def test_a_model_of_the_front_gives_the_recorded_accuracy_again(finished: Path) -> None:
    front = pd.read_csv(finished / "pareto.csv").iloc[-1]
    plan = Plan(small(finished))
    splits = load(plan.settings.data, plan.split_seed)
    model = load_model(finished / "models" / str(int(front["trial"])))
    rows = splits.validation.rows
    pixels = torch.from_numpy(splits.validation.images[rows]).permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor(plan.data.mean).view(1, -1, 1, 1)
    std = torch.tensor(plan.data.std).view(1, -1, 1, 1)
    with torch.no_grad():
        hits = model((pixels - mean) / std).argmax(1).numpy() == splits.validation.labels[rows]
    assert 100 * hits.mean() == pytest.approx(front["accuracy"], abs=1e-6)


def test_the_same_command_again_trains_nothing(finished: Path) -> None:
    before = (finished / "trials.csv").read_bytes()
    settings = small(finished, trials=5, epochs=2)
    result = run(settings)
    assert (finished / "trials.csv").read_bytes() == before
    assert len(result.trials) == 5


def test_another_identity_is_refused_and_nothing_is_overwritten(finished: Path) -> None:
    before = {path: path.read_bytes() for path in finished.iterdir() if path.is_file() and path.name != ".lock"}
    settings = small(finished, trials=5, epochs=3)
    with pytest.raises(StudyError, match=r"train\.epochs: there 2, asked 3"):
        search(settings)
    assert all(path.read_bytes() == body for path, body in before.items())


def leave_drafts(*paths: Path) -> None:
    """What a process that is killed while it writes these files leaves."""
    code = "import sys; from pathlib import Path; from nas.output.atomic_file import draft_of\n"
    code += "for path in sys.argv[1:]: draft_of(Path(path)).write_bytes(b'half')"
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, cwd=ROOT)


def test_what_killed_processes_left_is_swept_by_the_same_search_alone(finished: Path) -> None:
    trial = next((finished / "models").iterdir()).name
    kept = finished / "checkpoints" / trial
    files = ("report.html", "pareto.png", f"models/{trial}/weights.pt")
    leave_drafts(*(finished / file for file in files), kept / "last.pt", kept / "weights.pt")
    with pytest.raises(StudyError):
        search(small(finished, trials=5, epochs=3))
    assert len(list(finished.rglob(".*.tmp"))) == 5, "another search changes nothing"
    search(small(finished, trials=5, epochs=2))
    assert not list(finished.rglob(".*.tmp"))


def test_a_moved_output_folder_is_continued(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "moved")
    result = run(small(tmp_path / "moved", trials=5, epochs=2))
    assert [trial.number for trial in result.trials] == list(range(5))


def test_another_number_of_workers_or_trials_is_no_other_identity(finished: Path, tmp_path: Path) -> None:
    assert Plan(small(finished, trials=9, workers=2)).identity == Plan(small(tmp_path, trials=5)).identity


@pytest.mark.slow
def test_latency_and_memory_are_costs_like_others(tmp_path: Path) -> None:
    asked = [
        "--search.objectives", "accuracy,latency", "--search.max_memory", "0.2", "--latency.networks", "30",
        "--latency.accept_disturbed", "true",
    ]  # fmt: skip
    output = tmp_path / "run"
    command = [*flags(small(output, trials=4, epochs=1)), *asked]
    assert main(command) == 0
    lines = (output / "latencies.jsonl").read_text().splitlines()
    measured = {json.dumps(line["architecture"], sort_keys=True): line for line in map(json.loads, lines)}
    assert len(measured) == len(lines) >= 30
    front = json.loads((output / "pareto.json").read_text())
    assert [objective["name"] for objective in front["objectives"]] == ["accuracy", "latency"]
    for member in front["members"]:
        line = measured[json.dumps(member["candidate"]["architecture"], sort_keys=True)]
        assert member["values"]["latency"] == pytest.approx(1e3 * line["latencies"][-1]["median"])
        assert 0 < line["costs"]["memory"] <= 0.2
    trials = table(output)
    assert (trials["latency_ms"] > 0).all()
    assert "Latency is the median of one forward of 1 image" in (output / "report.html").read_text()
    assert main(command) == 0
    assert (output / "latencies.jsonl").read_text().splitlines() == lines, "what is there is not measured again"
    assert main([*command, "--search.inference_batch", "4"]) == 2


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table_but_for_times(finished: Path, tmp_path: Path) -> None:
    search(small(tmp_path / "again", trials=5, epochs=2))
    pd.testing.assert_frame_equal(
        table(finished).drop(columns="seconds"), table(tmp_path / "again").drop(columns="seconds"), check_exact=True
    )


@pytest.mark.slow
def test_more_workers_give_each_candidate_the_same_values(finished: Path, tmp_path: Path) -> None:
    search(small(tmp_path / "two", trials=5, epochs=2, workers=2))
    columns = ["digest", "accuracy", "macs", "params"]
    one, two = (frame[columns].sort_values("digest", ignore_index=True) for frame in
                (table(finished), table(tmp_path / "two")))  # fmt: skip
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    note = "workers the same command does not repeat a search exactly"
    assert f"With 2 {note}" in (tmp_path / "two" / "report.html").read_text()
    assert note not in (finished / "report.html").read_text()


@pytest.mark.slow
def test_kill_9_of_everything_at_random_moments_loses_nothing_and_goes_on_from_checkpoints(tmp_path: Path) -> None:
    search(small(tmp_path / "whole", trials=3, epochs=20, workers=2))
    output = tmp_path / "killed"
    command = [
        sys.executable, "-m", "tests.image_search.eager_checkpoints", *flags(small(output, trials=3, epochs=20, workers=2)),
        "--space.group_ranks", "2",
    ]  # fmt: skip
    draw = random.Random(1)
    checkpoints_left = 0
    for _ in range(2):
        seen = {path: path.stat().st_mtime_ns for path in output.glob("checkpoints/*/last.pt")}
        process = subprocess.Popen(
            command, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT
        )
        # Importing torch takes seconds: a kill before the first checkpoint would prove nothing.
        while process.poll() is None:
            now = {path: path.stat().st_mtime_ns for path in output.glob("checkpoints/*/last.pt")}
            if any(seen.get(path) != written for path, written in now.items()):
                break
            time.sleep(0.05)
        time.sleep(draw.uniform(0.0, 0.5))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        checkpoints_left += len(list(output.glob("checkpoints/*/last.pt")))
    assert checkpoints_left > 0, "a training was cut short behind a checkpoint"
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    trials = table(output)
    assert Counter(trials["state"]) == {"complete": 3}
    assert trials["digest"].is_unique
    # Going on from checkpoints changes nothing: the table is that of a search nobody killed.
    columns = ["trial", "digest", "accuracy", "macs", "params", "epochs"]
    pd.testing.assert_frame_equal(trials[columns], table(tmp_path / "whole")[columns], check_exact=True)


def interruptible() -> None:
    """A shell starts what it puts in the background deaf to Ctrl-C, and the tests with it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_writes_the_report_and_says_how_to_go_on(tmp_path: Path) -> None:
    output = tmp_path / "stopped"
    command = [sys.executable, str(ROOT / "run_search.py"), *flags(small(output, trials=50, epochs=2))]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=interruptible,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("1/50"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "same command continues" in rest
    assert (output / "report.html").exists()
    assert "complete" in set(table(output)["state"])


def test_if_all_fail_the_exit_code_is_1_and_the_reason_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--space.lr", "[1e6,1e6]", "--space.mixers", "[fixed]", "--search.trials", "2"]
    assert main([*flags(small(tmp_path / "nan")), *arguments]) == 1
    assert "diverged" in capsys.readouterr().err
    assert set(table(tmp_path / "nan")["state"]) == {"failed"}


def test_crashes_one_after_the_other_are_one_line_and_the_same_command_continues(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine whose library has a broken kernel, until that is mended."""
    (tmp_path / "fatal_kernel.py").write_text(
        "import os, resource, signal\n"
        "class Evaluator:\n"
        "    def evaluate(self, task, progress):\n"
        "        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "        os.kill(os.getpid(), signal.SIGFPE)\n"
        "def make(**arguments):\n    return Evaluator()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    output = tmp_path / "run"
    command = [*flags(small(output, trials=4)), "--log.json", "true"]
    with monkeypatch.context() as broken:
        broken.setattr(Plan, "worker_spec", lambda plan, checkpoints: WorkerSpec(factory="fatal_kernel:make"))
        assert main(command) == 2
    told = "trials 0, 1 and 2 crashed one after the other (the worker process died (SIGFPE: Floating point exception))"
    printed = capsys.readouterr().err
    assert f"error: {told}" in printed
    assert "the same command tries them again" in printed
    assert f"what is there so far: {output / 'report.html'}" in printed
    assert "Traceback" not in printed
    assert (output / "report.html").exists()
    assert list(table(output)["state"]) == ["running"] * 3
    last = json.loads((output / "events.jsonl").read_text().splitlines()[-1])
    assert not last["finished"]
    assert last["why"].startswith(told)
    assert main(command) == 0
    trials = table(output)
    assert list(trials["state"]) == ["complete"] * 4
    assert list(trials["trial"]) == list(range(4))


def test_everything_failing_raises_in_the_api(tmp_path: Path) -> None:
    settings = small(tmp_path / "nan", trials=2)
    with pytest.raises(AllFailedError, match="diverged"):
        search(replace(settings, space=changed(settings.space, lr=(1e6, 1e6))))


def test_a_limit_nothing_can_meet_is_refused_before_any_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*flags(small(tmp_path / "limit")), "--search.max_macs", "1000"]) == 2
    assert "no network of shufflenet_v2 meets this; the smallest found has macs" in capsys.readouterr().err
    assert not (tmp_path / "limit" / "study.db").exists()


def test_limits_and_three_objectives_are_honored(tmp_path: Path) -> None:
    settings = small(tmp_path / "three", trials=3)
    limit = 45_000.0
    chosen = replace(settings.search, objectives="accuracy,macs,params", max_macs=limit)
    front = search(replace(settings, search=chosen))
    assert front.objectives == ("accuracy", "macs", "params")
    assert all(values[1] <= limit for values in front.values)
    trials = table(tmp_path / "three")
    assert set(trials.loc[trials["macs"] > limit, "state"]) <= {"infeasible"}


def test_a_search_begins_with_the_front_of_another(finished: Path, tmp_path: Path) -> None:
    best = json.loads((finished / "pareto.json").read_text())["members"]
    settings = small(tmp_path / "warm", trials=2 + len(best))
    warm = replace(settings.search, warm_start=str(finished / "pareto.json"))
    search(replace(settings, search=warm))
    trials = table(tmp_path / "warm")
    given = trials[trials["baseline"].fillna("").str.startswith("given")]
    assert set(given["digest"]) == {member["digest"] for member in best}
    search(replace(settings, search=warm))
    assert len(table(tmp_path / "warm")) == len(trials), "the same command gives them once"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--space.name", "resnet_cifar"], "is of the space shufflenet_v2, this search is of resnet_cifar"),
        (
            ["--space.widths", "[16, 24]"],
            "is not in the space of this search: not a genotype of shufflenet_v2: width = ",
        ),
    ],
)
def test_a_warm_start_from_another_space_is_refused(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    front = str(finished / "pareto.json")
    assert main([*flags(small(tmp_path / "warm")), "--search.warm_start", front, *arguments]) == 2
    message = capsys.readouterr().err
    assert told in message
    assert "Traceback" not in message
    assert not (tmp_path / "warm" / "study.db").exists()


@pytest.mark.slow
def test_a_search_goes_on_in_a_space_that_has_grown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = small(tmp_path / "grown", trials=3)
    search(settings)
    before = table(tmp_path / "grown")
    for space, studies in [
        (changed(settings.space, units=((1,), (1, 2), (1,))), ["search"]),
        (changed(settings.space, units=((1,), (1, 2), (1,)), widths=(8, 12, 16)), ["search", "search-2"]),
    ]:
        more = replace(settings, space=space, search=replace(settings.search, trials=len(before) + 1))
        front = search(more)
        told = capsys.readouterr().err
        assert "the space has changed: the" in told
        after = table(tmp_path / "grown")
        shared = ["trial", "state", "accuracy", "seconds", "digest"]
        pd.testing.assert_frame_equal(after.loc[: len(before) - 1, shared], before[shared])
        assert optuna.get_all_study_names(open_storage(sqlite_url(tmp_path / "grown" / "study.db"))) == studies
        assert (after["state"] == "complete").sum() == (before["state"] == "complete").sum() + 1
        for number in front.trials:
            load_model(tmp_path / "grown" / "models" / str(number))
        before = after
    note = "The hypervolume is measured from another reference since the space"
    assert note in told
    assert note in (tmp_path / "grown" / "report.html").read_text()
    search(more)
    assert note in (tmp_path / "grown" / "report.html").read_text(), "who reads it later must know too"
    pd.testing.assert_frame_equal(table(tmp_path / "grown"), before)


def test_members_of_the_front_are_trained_again(tmp_path: Path) -> None:
    settings = small(tmp_path / "again", trials=3)
    front = search(replace(settings, search=replace(settings.search, replicates=2)))
    trials = table(tmp_path / "again")
    for number in front.trials:
        again = trials[trials["replicate_of"] == number]
        assert len(again) == 1
        assert trials.loc[number, "trainings"] == 2
        both = [trials.loc[number, "accuracy"], again.iloc[0]["accuracy"]]
        assert trials.loc[number, "expected_accuracy"] == pytest.approx(sum(both) / 2, abs=1e-3)
    assert sum(trials["replicate_of"].isna() & (trials["state"] == "complete")) == 3


def test_a_dry_run_trains_nothing_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*flags(small(tmp_path / "dry")), "--dry_run"]) == 0
    said = capsys.readouterr()
    for words in ("decisions", "ShuffleNetV2 (8)", "multiply-adds", "time        ", "4 trials of 1 epoch, 1 at a time"):
        assert words in said.out
    assert "timing some networks of the space" in said.err, "else it looks like a hang"
    assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data.name", "no_such_set"], "no_such_set"),
        (["--output", "/dev/null/run"], "cannot be written"),
        (
            ["--search.storage", "nonsense://ann:s3cr3t@host/db"],
            "cannot open the study's storage nonsense://ann:***@host/db",
        ),
        (["--device", "cuda"], "no CUDA device"),
        (["--search.max_epochs", "3", "--train.epochs", "5"], "--search.max_epochs: 3 is less than one training"),
        (["--search.stall_trials", "9"], "--search.stall_trials: 9 can never be reached with --search.trials 4"),
        (["--search.max_hours", "0"], "--search.max_hours: must be a finite number above 0"),
        (["--search.replicates", "0"], "--search.replicates: must be 1 or more"),
        (["--search.warm_start", "no/pareto.json"], "cannot read no/pareto.json"),
    ],
)
def test_bad_input_is_one_clear_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert main([*flags(small(tmp_path / "bad")), *arguments]) == 2
    message = capsys.readouterr().err
    assert told in message
    assert "Traceback" not in message
    assert "s3cr3t" not in message


def image_folder(path: Path, per_class: int = 4, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    draw = np.random.default_rng(0)
    for label in classes:
        (path / label).mkdir(parents=True)
        for number in range(per_class):
            Image.fromarray(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path / label / f"{number}.png")
    return path


def test_a_folder_of_images_is_searched(tmp_path: Path) -> None:
    photos = image_folder(tmp_path / "photos", per_class=20)
    settings = small(tmp_path / "run", trials=3)
    data = DataSettings(name=str(photos), validation_share=0.25, cache=str(tmp_path / "cache"))
    front = search(replace(settings, data=data, train=TrainSettings(epochs=1, batch_size=8)))
    assert len(front) >= 1
    description = json.loads(next((tmp_path / "run" / "models").glob("*/candidate.json")).read_text())
    assert description["data"]["class_names"] == ["cat", "dog"]
    assert description["data"]["image_size"] == 16


def broken_image(path: Path) -> Path:
    folder = image_folder(path)
    (folder / "dog" / "2.png").write_bytes(b"no image at all")
    return folder


def lonely_class(path: Path) -> Path:
    folder = image_folder(path)
    for number in range(1, 4):
        (folder / "dog" / f"{number}.png").unlink()
    return folder


def no_classes(path: Path) -> Path:
    path.mkdir()
    (path / "notes.txt").write_text("nothing to see")
    return path


@pytest.mark.parametrize(("make", "told"), [(broken_image, "2.png"), (lonely_class, "dog"), (no_classes, "sub-folder")])
def test_images_that_cannot_be_used_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], Path], told: str
) -> None:
    folder = make(tmp_path / "photos")
    arguments = ["--data.name", str(folder), "--data.cache", str(tmp_path / "cache")]
    assert main([*flags(small(tmp_path / "run")), *arguments]) == 2
    message = capsys.readouterr().err
    assert told in message
    assert "Traceback" not in message


def test_a_second_driver_on_the_same_study_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with OutputFolder(finished):
        assert main(flags(small(finished, trials=5, epochs=2))) == 2
    assert "in use by another running search" in capsys.readouterr().err


def test_the_quickstart_trains_every_mixer_at_least_twice(tmp_path: Path) -> None:
    plan = Plan(read_settings(["--output", str(tmp_path / "run")])[0])
    searched = plan.settings.search
    make = sampler_factory(searched.sampler)
    with OutputFolder(tmp_path / "run") as folder:
        driver = Driver(
            study=study_of(plan, folder),
            problem=plan.problem,
            sampler=lambda seed: make(plan.problem, seed),
            budget=Budget(epochs=plan.epochs),
            trials=searched.trials,
        )
        while (task := driver.next_task()) is not None:
            finish(driver, task, accuracy=90.0 + task.trial % 7)
    trained = Counter[str]()
    for trial in driver.trials:
        if trial.state is TrialState.COMPLETE:
            trained.update({str(value) for key, value in trial.candidate.architecture.items() if "mixer" in key})
    assert set(trained) == set(as_shuffle_settings(plan.settings.space).mixers)
    assert min(trained.values()) >= 2


def test_help_explains_every_setting() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_search.py"), "--help"], capture_output=True, text=True, check=True
    )
    for name in ("--output", "--space.name", "--data.root", "--data.train_limit", "--search.trials", "--search.seed",
                 "--search.sampler", "--search.engine", "--search.workers", "--search.objectives", "--search.storage",
                 "--search.max_macs", "--search.max_params", "--train.epochs", "--train.threads", "--device"):  # fmt: skip
        assert f"\n  {name} " in done.stdout
