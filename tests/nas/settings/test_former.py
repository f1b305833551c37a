"""Settings under the names that they had before."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_search.command_line import read_settings
from image_search.settings import Settings, settings_json
from nas.errors import SettingsError

BEFORE = Path(__file__).parents[2] / "data" / "study_of_before"


def read(*words: str) -> Settings:
    settings, _ = read_settings(words)
    return settings


def test_former_flags_mean_what_they_meant(capsys: pytest.CaptureFixture[str]) -> None:
    settings = read("--search.max_latency", "5", "--search.max_memory", "20", "--search.reference_macs", "1e6")
    assert (settings.search.limits, settings.search.references) == ("latency=5,memory=20", "macs=1000000")
    told = capsys.readouterr().err.strip()
    assert "\n" not in told
    assert "--search.max_latency is read as --search.limits latency=5" in told
    assert "--search.reference_macs is read as --search.references macs=1000000" in told


def test_renamed_settings_and_values_are_read_with_a_notice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "old.yaml"
    config.write_text("{search: {stopping: auto}, ray: {max_failures: 3}, latency: {batch: 8}}")
    search = read("--config", str(config), "--latency.batch", "16").search
    assert (search.stopping, search.max_lost_workers, search.inference_batch) == ("bound", 3, 16)
    told = capsys.readouterr().err.strip()
    assert "\n" not in told
    assert "stopping (in old.yaml) auto is read as --search.stopping bound" in told
    assert "--latency.batch 16 is read as --search.inference_batch 16" in told


def test_settings_of_today_are_read_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    read("--search.limits", "macs=60e3", "--search.max_params", "1e5", "--search.references", "macs=1e6")
    assert capsys.readouterr().err == ""


def test_a_former_config_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "old.yaml"
    config.write_text(
        "search: {max_latency: 5, max_memory: null, reference_latency: null, reference_params: 2.5, max_macs: 53000}"
    )
    settings = read("--config", str(config))
    assert (settings.search.limits, settings.search.references) == ("latency=5", "params=2.5")
    assert settings.search.max_macs == 53_000
    assert "max_memory" not in capsys.readouterr().err, "what was not set needs no word"


def test_a_flag_wins_over_what_a_former_config_says_of_the_same_part(tmp_path: Path) -> None:
    config = tmp_path / "old.yaml"
    config.write_text("search: {max_latency: 5, max_memory: 20}")
    settings = read("--config", str(config), "--search.limits", "latency=3")
    assert settings.search.limits == "latency=3,memory=20"


def test_a_part_that_is_given_twice_in_one_place_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--search\.limits: latency is given twice"):
        read("--search.limits", "latency=3", "--search.max_latency", "5")


@pytest.mark.parametrize("value", ["soon", "5,macs=3"])
def test_a_former_setting_that_is_no_number_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(SettingsError, match=r"--search\.max_latency: "):
        read("--search.max_latency", value)


def test_the_config_of_a_study_of_before_is_read() -> None:
    assert read("--config", str(BEFORE / "search.yaml")).search.max_macs == 53_000


def test_what_is_written_down_has_todays_names() -> None:
    written = settings_json(read("--search.max_latency", "5"))["search"]
    assert written["limits"] == "latency=5"
    assert not {"max_latency", "max_memory", "reference_macs"} & written.keys()
