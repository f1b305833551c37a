"""The verbs of the command: what one does with a search, in one word after the program's name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb and where its command line is."""

    module: str
    """Module whose `main(argv, prog)` runs it and returns the exit code; imported when the verb is used."""
    help: str
    """What it does, in a few words."""


VERBS = {
    "pick": Verb(
        module="image_search.verbs.pick", help="say which network of a search to take, below limits on its cost"
    ),
    "retrain": Verb(module="image_search.retrain.command", help="train chosen networks properly, and test them once"),
    "export": Verb(module="deployment.export_command", help="make a file of a trained network that runs elsewhere"),
    "predict": Verb(module="deployment.prediction.command", help="say what a trained network sees in your image files"),
    "compare": Verb(module="image_search.verbs.compare", help="put the fronts of several searches into one page"),
}
SEARCH = "search"
"""The verb that need not be said."""


def run_verb(words: Sequence[str], program: str) -> int:
    """Runs a verb with the words that follow it, and returns the exit code."""
    name, *rest = words
    code: int = importlib.import_module(VERBS[name].module).main(rest, f"{program} {name}")
    return code


def verb_lines() -> str:
    """The verbs with what they do, as text for `--help`."""
    return "\n".join(f"  {name:10} {verb.help}" for name, verb in VERBS.items())
