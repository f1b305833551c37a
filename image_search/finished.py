"""Reads the results of a search from its folder alone: without its images, and without changing anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from image_search.axes import Axes
from image_search.command_line import read_settings
from image_search.run import LOADING
from image_search.settings import Settings, settings_json
from nas.errors import OutputError, StudyError
from nas.objectives import Objective
from nas.output.folder import WEIGHTS, OutputFolder
from nas.output.stored_front import StoredFront, read_front
from nas.search.estimates import Estimates
from nas.search.result import SearchResult
from nas.study.finished_study import finished_study
from nas.study.storage import close_storage, open_storage, sqlite_url
from nas.study.stored_study import StoredStudy
from nas.values.json_file import read_json
from nas.values.redaction import HIDDEN
from search_spaces import space_from_json


def read_run(folder: Path, storage: str | None = None) -> tuple[Settings, SearchResult]:
    """The settings and the results of the search in a folder.

    Args:
        folder: Its output folder.
        storage: URL of the storage, where it has a password, which no folder keeps.

    Raises:
        OutputError: The folder holds no results of a search.
        SettingsError: Its settings are not those of a search of images.
        StudyError: The study is missing, or was not written by a search.
    """
    stored = read_front(folder / "pareto.json")
    config = folder / "config.yaml"
    if not config.is_file():
        raise OutputError(f"{folder} holds no results of a search: there is no config.yaml")
    settings, _ = read_settings(["--config", str(config), "--output", str(folder)])
    return settings, _result(folder, settings, stored, storage)


def _result(folder: Path, settings: Settings, stored: StoredFront, storage: str | None) -> SearchResult:
    space = space_from_json(stored.space)
    axes = Axes(settings.search, int(stored.data["classes"]))
    objectives = axes.objectives(stored.references.__getitem__)
    study = _study(folder, settings, objectives, storage)
    trials = tuple(trial for trial, _ in study.trials)
    estimates = Estimates(space, objectives, trials)
    return SearchResult(
        name=settings.title or folder.resolve().name,
        trials=trials,
        objectives=objectives,
        quantities=axes.quantities(objectives),
        front=estimates.front,
        estimates=estimates.by_number,
        observed=None if estimates.observed_front == estimates.front else estimates.observed_front,
        costs_version=study.costs_version,
        settings=settings_json(settings),
        provenance=read_json(folder / "provenance.json"),
        space=stored.space,
        dimensions=space.dimensions,
        title=space.title,
        legend=space.legend(),
        portraits={trial.number: space.portrait(trial.candidate) for trial in trials},
        data=stored.data,
        loading=LOADING,
        weightless=_weightless(folder, estimates.front.trials),
    )


def _study(folder: Path, settings: Settings, objectives: tuple[Objective, ...], given: str | None) -> StoredStudy:
    """The study of the search, with its trials read.

    Raises:
        StudyError: It cannot be read.
    """
    search = settings.search
    url = given or search.storage
    if url is None and not (database := OutputFolder(folder).database).is_file():
        raise OutputError(f"{folder} holds no results of a search: there is no {database.name}")
    if url is not None and HIDDEN in url:
        raise StudyError(f"the study is in {url}, whose password no folder keeps: give the whole URL (--storage)")
    storage = open_storage(url or sqlite_url(OutputFolder(folder).database))
    try:
        own_name = "search" if search.storage is None else folder.resolve().name
        return finished_study(storage, search.study or own_name, objectives)
    finally:
        close_storage(storage)


def _weightless(folder: Path, front: Iterable[int]) -> dict[int, str]:
    models = OutputFolder(folder).models
    return {
        number: "its weights are not in the folder"
        for number in front
        if not (models / str(number) / WEIGHTS).is_file()
    }
