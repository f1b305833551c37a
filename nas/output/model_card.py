"""The card of a model: a README that says what the network is, what was measured, and what its figures do not say.

It begins with the YAML header that hubs of models read. Everything in it holds wherever the folder is taken to, so it names no
path of the machine that made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nas.objectives import Form, Objective, amount
from nas.records import Evaluation, Trial

if TYPE_CHECKING:
    from nas.search.result import SearchResult

CARD = "README.md"
LICENSE = "license:"
"""Beginning of the line of the header that belongs to whoever gives the model away."""
ASKED = (
    f"{LICENSE}  # yours to choose; the images may oblige you. This line is kept when the search writes the card anew."
)
MOST_CLASSES = 200
"""Most classes that are named."""


def model_card(result: SearchResult, trial: Trial, former: str = "") -> str:
    """The text of the card.

    Args:
        result: The results of the search.
        trial: The trial whose network is in the folder.
        former: The card that is there, whose licence is kept; empty if there is none.
    """
    paragraphs = [
        "\n".join(_header(result, former)),
        f"# {_line(result.portrait(trial).description)}",
        _origin(result, trial),
        "## Figures",
        "\n".join(_figures(result, trial)),
        *_told(result, trial),
        "## Images",
        "\n".join(_data(result)),
        "## Limits",
        "\n".join(_limits(result)),
        *(["## Use", result.model_use.strip()] if result.model_use else []),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _header(result: SearchResult, former: str) -> Iterator[str]:
    yield "---"
    yield _license(former)
    yield "library_name: shufflenas"
    if "image_size" in result.data:
        yield "pipeline_tag: image-classification"
    yield "---"


def _license(former: str) -> str:
    """The line of the licence in the header of the former card, or one that asks for it."""
    lines = former.splitlines()
    if lines[:1] != ["---"]:
        return ASKED
    header = lines[1 : lines.index("---", 1)] if "---" in lines[1:] else []
    return next((line for line in header if line.startswith(LICENSE)), ASKED)


def _origin(result: SearchResult, trial: Trial) -> str:
    space = f" of the space {_line(result.title)}" if result.title else ""
    version = result.provenance.get("versions", {}).get("shufflenas")
    by = f"shufflenas {_line(version)}" if version else "shufflenas"
    seed = result.provenance.get("seed")
    trained = f", trained for {trial.outcome.epochs:,} epochs" if isinstance(trial.outcome, Evaluation) else ""
    return (
        f"A network{space}, found by a search of {by}: trial {trial.number} of {len(result.trials):,}{trained}"
        + (f", seed {seed}" if seed is not None else "")
        + f". Digest of its description: `{trial.candidate.digest}`."
    )


def _figures(result: SearchResult, trial: Trial) -> Iterator[str]:
    """A table of what was measured and of the costs."""
    measured = dict(trial.outcome.measurements) if isinstance(trial.outcome, Evaluation) else {}
    yield "| figure | value | standard error | n |"
    yield "| -- | -- | -- | -- |"
    for quantity in result.quantities:
        found = measured.get(quantity.name)
        if quantity.name in trial.costs:
            yield f"| {_title(quantity)} | {quantity.amount(trial.deployed_costs[quantity.name])} | | |"
        elif found is not None:
            error = quantity.amount(found.standard_error) if found.n > 1 else ""
            yield f"| {_title(quantity)} | {quantity.amount(found.mean)} | {error} | {found.n:,} |"


def _title(quantity: Objective) -> str:
    return _line(quantity.words)


def _told(result: SearchResult, trial: Trial) -> list[str]:
    """What another training is expected to give, where a model of the search says so."""
    estimate = result.estimates.get(trial.first)
    if estimate is None or estimate.error is None:
        return []
    learned = result.learned
    return [
        f"The value of the network as it is may be lucky: another training of it is expected to reach "
        f"{amount(learned.name, estimate.mean, [learned])} of {_line(learned.words)} (± {_number(learned, estimate.error)}), by "
        f"a model of all trainings of the search."
    ]


def _number(quantity: Objective, value: float) -> str:
    return f"{value:.2f} points" if quantity.form is Form.PERCENT else quantity.amount(value)


def _data(result: SearchResult) -> Iterator[str]:
    """The images as far as they are described."""
    data = result.data
    if data.get("name"):
        yield f"- Name: {_line(PurePath(str(data['name'])).name)}"
    if "image_size" in data:
        colors = {1: "grey", 3: "color"}.get(data.get("channels", 0), "")
        yield f"- Form: {data['image_size']} x {data['image_size']} pixels{f', {colors}' if colors else ''}"
    parts = [(name, data.get(name)) for name in ("train", "validation", "test")]
    if any(isinstance(count, int) for _, count in parts):
        yield "- Numbers: " + ", ".join(f"{count:,} {name}" for name, count in parts if isinstance(count, int))
    names = [_line(name) for name in data.get("class_names", ())]
    if names:
        more = f", and {len(names) - MOST_CLASSES:,} more" if len(names) > MOST_CLASSES else ""
        yield f"- Classes ({len(names):,}): {', '.join(names[:MOST_CLASSES])}{more}"
    if data.get("fingerprint"):
        yield f"- Fingerprint: `{_line(data['fingerprint'])}`"
    yield "- Preparation: `data` in `candidate.json` has each step with its numbers."


def _limits(result: SearchResult) -> Iterator[str]:
    yield (
        f"- The figures are of the validation images, by which this network was chosen among {len(result.trials):,} trials, so "
        "they are rather too good."
    )
    yield "- It was not measured on test images."
    yield "- It was trained for a search, to be compared with others; a longer training of the same network may be better."
    yield "- Images of another kind than those it was trained on were not tried, nor was it examined for fairness or safety."


def _line(name: Any) -> str:
    """A name on one line."""
    return " ".join(str(name).split())
