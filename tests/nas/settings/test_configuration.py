from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from image_search.command_line import main, read_settings, ready_settings
from image_search.settings import Settings, settings_json
from nas.errors import SettingsError
from nas.settings.configuration import config_names
from search_spaces import space_settings
from search_spaces.spaces.mobilenet_v2 import MobileNetV2Settings
from search_spaces.spaces.shufflenet_v2 import ShuffleNetV2Settings
from tests.search_spaces.any_space import as_shuffle_settings


def read(*words: str) -> Settings:
    return read_settings(words)[0]


def faults(*words: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(*words)
    return str(caught.value)


def test_without_arguments_the_quickstart_is_read() -> None:
    settings = read()
    assert settings.data.name == "digits"
    assert settings.output == "runs/quickstart"


@pytest.mark.parametrize("name", ["quickstart", "cifar10_cpu", "cifar10", "cifar100", "tiny_imagenet", "imagenet"])
def test_every_ready_config_is_found_by_its_name(name: str) -> None:
    assert name in config_names()
    assert read("--config", name).output == f"runs/{name}"


def test_flags_win_over_the_config_and_the_later_over_the_earlier() -> None:
    settings = read("--train.epochs", "3", "--config=cifar10", "--train.epochs=4", "--space.lr", "[0.1, 0.2]")
    assert settings.train.epochs == 4
    assert settings.data.name == "cifar10"
    assert as_shuffle_settings(settings.space).lr == (0.1, 0.2)


def test_another_space_does_not_take_what_the_config_says_of_its_own() -> None:
    quickstart = read("--space.name", "shufflenet_v2").space
    assert quickstart == read().space
    other = read("--space.name", "mobilenet_v2", "--space.widths", "[0.5]").space
    assert isinstance(quickstart, ShuffleNetV2Settings)
    assert isinstance(other, MobileNetV2Settings)
    assert quickstart.widths == (8.0, 12.0, 16.0, 24.0)
    assert (other.widths, other.units) == ((0.5,), None)
    assert other.group_ranks == quickstart.group_ranks == 2


def test_a_written_config_is_read_back_to_the_same_settings(tmp_path: Path) -> None:
    settings = read("--config", "cifar10", "--search.max_macs", "3e6", "--output", "here")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings_json(settings)))
    assert read("--config", str(path)) == settings


def test_dry_run_needs_no_value() -> None:
    assert read_settings(["--dry_run"])[1]
    assert read_settings(["--dry_run", "--search.trials", "3"])[1]
    assert not read_settings([])[1]


def test_python_takes_ready_settings_with_changes_by_the_names_of_the_command_line() -> None:
    assert ready_settings() == read()
    changes = {"search.trials": 3, "space.lr": (0.1, 0.2), "space.units": [[1], [1, 2], [1]], "search.max_hours": None}
    found = ready_settings("cifar10_cpu", {**changes, "data.skip_broken": True, "output": "runs/mine"})
    assert (found.search.trials, found.search.max_hours, found.data.skip_broken) == (3, None, True)
    space = as_shuffle_settings(found.space)
    assert (space.lr, space.units, found.output) == ((0.1, 0.2), ((1,), (1, 2), (1,)), "runs/mine")
    with pytest.raises(SettingsError, match=r"did you mean --search\.trials"):
        ready_settings("quickstart", {"search.trails": 3})


def test_lists_on_the_command_line_need_no_brackets() -> None:
    short = read(
        "--space.widths",
        "8,12",
        "--space.lr",
        "0.05,2",
        "--space.mixers=fixed,dynamic",
        "--space.units",
        "[[1],[2],[1]]",
    )
    long = read("--space.widths", "[8, 12]", "--space.lr", "[0.05, 2]", "--space.mixers=[fixed, dynamic]")
    assert short.space == replace(as_shuffle_settings(long.space), units=((1,), (2,), (1,)))
    assert read("--space.learned_groups", "2,4,8").space == read().space, "so is one of another space at its default"
    assert "such as [[1,2],[3]], with brackets since it holds lists, got '1,2'" in faults("--space.units", "1,2")


def test_help_shows_lists_as_the_command_line_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--help")
    told = " ".join(capsys.readouterr().out.split())
    assert "(a list of 2 numbers such as 0.1,0.5 or [0.1,0.5]; default: 0.05,0.5)" in told
    assert "default: fixed,static,static_full,dynamic,static_dynamic)" in told


def test_an_unknown_setting_is_looked_for_in_other_groups() -> None:
    assert faults("--train.lr", "0.1") == "--train.lr: no such setting; did you mean --space.lr?"
    assert faults("--trials", "3") == "--trials: no such setting; did you mean --search.trials?"
    assert "did you mean --space.learned_groups?" in faults("--space.name", "vgg16", "--train.learned_groups", "2")


@pytest.mark.parametrize(
    ("started", "named"), [("/usr/bin/shufflenas", "shufflenas"), ("run_search.py", "run_search.py")]
)
def test_the_program_names_itself_as_it_was_started(
    started: str, named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [started])
    with pytest.raises(SystemExit):
        read("--help")
    told = capsys.readouterr().out
    assert told.startswith(f"usage: {named} [--config")
    assert f"\n  {named} --config cifar10" in told
    assert ("run_search.py" in told) == (named == "run_search.py")


def test_the_version_is_printed_and_nothing_else_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version", "--no.such", "setting"]) == 0
    assert capsys.readouterr().out == f"shufflenas {version('shufflenas')}\n"


def test_all_faults_are_told_at_once_with_the_nearest_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("search:\n  trails: 3\ntrain:\n  epochs: many\n")
    told = faults(
        "--config", str(path), "--data.nam", "x", "--search.trials", "0", "--search.sampler", "tp",
        "--space.mixers", "[fixt]", "--space.name", "shufflenet_v2", "--device", "gpu", "--train.batch_size", "-4",
        "--search.objectives", "accuracy,flops",
    )  # fmt: skip
    for words in (
        "search.trails (in mine.yaml): no such setting; did you mean --search.trials?",
        "train.epochs (in mine.yaml): expected an integer, got 'many'",
        "--data.nam: no such setting; did you mean --data.name?",
        "--search.trials: must be 1 or more, got 0",
        "did you mean 'tpe'?",
        "did you mean 'fixed'?",
        "did you mean 'cpu'?",
        "--train.batch_size",
        "unknown objective 'flops'",
    ):
        assert words in told


def test_an_unknown_space_is_named_with_those_there_are() -> None:
    assert "did you mean 'shufflenet_v2'?" in faults("--space.name", "shuflenet_v2")


@pytest.mark.parametrize("text", ["accuracy", "macs", "accuracy,accuracy", "accuracy,macs,macs", ","])
def test_objectives_are_one_that_is_learned_and_at_least_one_cost(text: str) -> None:
    assert (
        "--search.objectives: must be one of accuracy, balanced_accuracy, macro_f1, cross_entropy and at least one of"
        in faults(f"--search.objectives={text}")
    )


def test_a_config_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1")
    assert "broken.yaml: cannot be read" in faults("--config", str(broken))
    broken.write_text("- 1")
    assert "must hold settings by name, got list" in faults("--config", str(broken))
    assert "unknown config 'cifar'" in faults("--config", "cifar")


def test_words_that_are_no_flags_and_flags_without_a_value_are_faults() -> None:
    assert "unexpected argument 'digits'" in faults("digits")
    assert "--search.trials: a value is missing" in faults("--search.trials")
    assert "--data.name: a value is missing" in faults("--data.name=")
    assert "not a list that can be read" in faults("--space.lr", "[0.1,")


def test_a_password_stays_out_of_the_written_config() -> None:
    settings = read("--search.storage", "postgresql://ann:s3cr3t@host/db")
    assert "s3cr3t" not in yaml.safe_dump(settings_json(settings))


def test_an_optional_setting_of_the_wrong_type_is_told_without_pythons_words() -> None:
    assert faults("--search.workers", "two") == "--search.workers: expected an integer, got 'two'"


def test_a_group_whose_lines_are_all_commented_out_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("search:\n  # trials: 3\ntrain:\n  epochs: 3\n")
    assert read("--config", str(path)).train.epochs == 3


@pytest.mark.parametrize("value", ["0", "-1", "1e400"])
def test_limits_and_references_are_finite_and_above_0(value: str) -> None:
    assert "--search.max_macs: must be a finite number above 0" in faults("--search.max_macs", value)
    assert "--search.references: macs must be a finite number above 0" in faults("--search.references", f"macs={value}")
    assert "--search.limits: memory must be a finite number above 0" in faults("--search.limits", f"memory={value}")


def test_two_learned_objectives_are_refused_in_one_line_that_names_both() -> None:
    told = faults("--search.objectives", "accuracy,macs,cross_entropy")
    assert told.startswith("--search.objectives: accuracy and cross_entropy are both learned by training")
    assert "\n" not in told


def test_help_is_of_the_space_that_the_command_line_or_the_config_names(capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        with pytest.raises(SystemExit) as caught:
            read(*words, "--help")
        assert caught.value.code == 0
        return capsys.readouterr().out

    vgg16, quickstart, kinds = told("--space.name", "vgg16"), told(), told("--config", "cifar10_kinds")
    assert "--space.residual_units" not in vgg16
    assert "--space.learned_groups" in vgg16
    assert "--space.learned_groups" not in quickstart
    assert "--space.residual_units" in kinds


def test_a_setting_of_another_space_is_refused_by_the_names_of_those_that_have_it(tmp_path: Path) -> None:
    told = faults("--space.name", "vgg16", "--space.residual_units", "[basic]")
    assert told == "--space.residual_units: not a setting of vgg16, but of resnet_cifar; leave it out"
    mine = tmp_path / "mine.yaml"
    mine.write_text("space: {learned_groups: [3]}\n")
    told = faults("--config", str(mine))
    assert told.startswith(
        "space.learned_groups (in mine.yaml): not a setting of shufflenet_v2, but of resnet_cifar, resnet50"
    )
    assert "no such setting; did you mean --space.widths" in faults("--space.name", "vgg16", "--space.width", "[1]")


def test_a_setting_of_another_space_at_its_default_is_left_out(tmp_path: Path) -> None:
    assert read("--space.learned_groups", "[2, 4, 8]", "--space.conv_groups", "null").space == read().space
    mine = tmp_path / "mine.yaml"
    mine.write_text("space:\n  name: vgg16\n  residual_units: [basic, bottleneck]\n  sparsity_step: [1.0e-4, 0.01]\n")
    assert read("--config", str(mine)).space == space_settings("vgg16")


def test_what_a_config_says_of_its_own_space_alone_is_not_taken_by_another() -> None:
    other = read("--config", "cifar10_kinds", "--space.name", "vgg16").space
    assert type(other) is type(space_settings("vgg16"))
    assert not hasattr(other, "residual_units")
