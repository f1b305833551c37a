"""The card of a model: what a reader elsewhere must know, and nothing of the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from nas.output.folder import OutputFolder
from nas.output.model_card import model_card
from nas.portrait import Portrait
from nas.search.estimates import Estimate
from nas.search.result import SearchResult
from tests.nas.output.test_folder import put_weights, result_of, whole

DATA = {
    "name": "/home/ann/secret place/my\nbirds",
    "image_size": 32,
    "channels": 3,
    "class_names": ["red\nkite", "gull | tern", "*owl*"],
    "train": 1200,
    "validation": 300,
    "test": 150,
    "fingerprint": "0123456789abcdef",
}


@pytest.fixture
def result(tmp_path: Path) -> SearchResult:
    found = result_of(tmp_path / "study")
    return replace(found, data=DATA, title="Toy", provenance={"seed": 3, "versions": {"shufflenas": "9.8.7"}})


def test_a_card_says_what_was_measured_and_what_was_not(result: SearchResult) -> None:
    trial = result.trials[result.front.trials[-1]]
    estimate = Estimate(mean=91.25, error=0.5, trainings=1)
    told = model_card(replace(result, estimates={trial.number: estimate}, model_use="load FOLDER"), trial)
    assert trial.outcome is not None
    accuracy = trial.values()["accuracy"]
    assert f"| accuracy | {accuracy:.1f} % | 4.0 % | 100 |" in told
    assert f"| multiply-adds | {trial.costs['macs']:,.0f} | | |" in told
    assert f"trial {trial.number} of {len(result.trials)}, trained for {trial.outcome.epochs} epochs, seed 3" in told
    assert "a search of shufflenas 9.8.7" in told
    assert "expected to reach 91.2 % of accuracy (± 0.50 points)" in told
    assert "32 x 32 pixels, color" in told
    assert "1,200 train, 300 validation, 150 test" in told
    assert "Classes (3): red kite, gull | tern, *owl*\n" in told
    assert "by which this network was chosen among" in told
    assert "was not measured on test images" in told
    assert told.endswith("## Use\n\nload FOLDER\n")


def test_names_stay_on_one_line_and_paths_at_home(result: SearchResult) -> None:
    trial = result.trials[result.front.trials[0]]
    told = model_card(replace(result, portraits={trial.number: Portrait(description="a\nb\r c")}), trial)
    assert "# a b c\n" in told
    assert "- Name: my birds\n" in told
    assert "secret" not in told
    assert "/home" not in told


def test_the_header_is_yaml_that_asks_for_a_licence(result: SearchResult) -> None:
    told = model_card(result, result.trials[0])
    first, header, _ = told.split("---\n", 2)
    assert first == ""
    assert yaml.safe_load(header) == {
        "license": None,
        "library_name": "shufflenas",
        "pipeline_tag": "image-classification",
    }


def test_a_search_of_other_things_has_a_card_too(result: SearchResult) -> None:
    trial = result.trials[0]
    told = model_card(replace(result, data={}, provenance={}, title=""), trial)
    assert "pipeline_tag" not in told
    assert "Form:" not in told
    assert "## Use" not in told
    assert f"trial {trial.number} of" in told


def test_a_licence_that_a_person_gave_stays_when_the_card_is_written_again(
    result: SearchResult, tmp_path: Path
) -> None:
    with OutputFolder(tmp_path / "run") as folder:
        put_weights(folder, result, result.front.trials)
        folder.publish(result, whole)
        card = folder.models / str(result.front.trials[0]) / "README.md"
        text = card.read_text()
        (asked,) = (line for line in text.splitlines() if line.startswith("license:"))
        card.write_text(text.replace(asked, "license: cc-by-4.0").replace("# ", "license: mit\n# ", 1))
        folder.publish(result, whole)
        assert card.read_text() == text.replace(asked, "license: cc-by-4.0")
        card.write_bytes(b"\xff\xfe")
        folder.publish(result, whole)
        assert card.read_text() == text
