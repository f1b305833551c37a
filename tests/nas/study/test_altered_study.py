"""A study that another hand has changed goes on properly, or is refused in one line and stays as it is."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.candidate import Candidate
from nas.dimensions import Choice, FloatRange, IntRange, When
from nas.early_stopping import StoppingRule
from nas.early_stopping.curves import Curves
from nas.engines.virtual_time import VirtualTimeEngine
from nas.errors import NasError, StudyError
from nas.ports import Tell
from nas.records import Evaluation, Failure, FailureKind, Measurement, Outcome, Progress, Task, TrialState
from nas.search.driver import Driver
from nas.search.endings import EXHAUSTED
from nas.search.own_search import make_driver
from nas.simple_space import SimpleSpace
from nas.study.storage import open_storage, sqlite_url
from tests.toy_search import toy_objectives

LEARNED = (When(name="mixer", values=("learned",)),)
SPACE = SimpleSpace(
    "nets",
    Choice(name="width", choices=(8, 16, 32, 64)),
    Choice(name="mixer", choices=("fixed", "learned")),
    IntRange(name="rank", low=0, high=3, condition=LEARNED),
    FloatRange(name="rate", low=0.01, high=1.0, log=True, condition=LEARNED),
)
TRIALS = 14
EPOCHS = 9


def costs(candidate: Candidate) -> dict[str, float]:
    width = float(str(candidate.architecture["width"]))
    return {"macs": 1000 * width * width, "params": 10 * width}


class Evaluator:
    """Learned mixers of rank 1 fail."""

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        decisions = task.candidate.architecture
        if decisions.get("rank") == 1:
            return Failure(kind=FailureKind.DIVERGED, message="loss is nan", epochs=1)
        curve: list[dict[str, float]] = []
        for epoch in range(1, EPOCHS + 1):
            accuracy = 90 - 300 / float(str(decisions["width"])) + epoch + float(str(decisions.get("rank", 0)))
            curve.append({"epoch": epoch, "loss": 1 / epoch, "accuracy": accuracy})
            at_rung = epoch in task.budget.rungs
            if progress(Progress(trial=task.trial, epochs=epoch, value=accuracy if at_rung else None)) is False:
                break
        measured = Measurement(mean=curve[-1]["accuracy"], std=30.0, n=100)
        return Evaluation(measurements={"accuracy": measured}, seconds=1.5, epochs=len(curve), details={"curve": curve})


class PauseNarrow(StoppingRule):
    """Widths of 16 wait from the first rung on."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        return curves[trial].decisions["width"] == 16


def driver_of(database: Path, trials: int, sampler: str = "nsga2") -> Driver:
    return make_driver(
        SPACE, toy_objectives(), costs, trials=trials, epochs=EPOCHS, sampler=sampler, seed=4, limits={"macs": 2e6},
        database=database, stopping="bound", replicates=2,
    )  # fmt: skip


def close(driver: Driver) -> None:
    driver.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trials of every kind, two of them running, and beside them a study of somebody else."""
    database = tmp_path_factory.mktemp("study") / "study.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nas.search.assembly.stopping_rule", lambda *_arguments: PauseNarrow())
        driver = driver_of(database, TRIALS)
        VirtualTimeEngine(Evaluator()).run(driver)
        close(driver)
    driver = driver_of(database, TRIALS + 2)
    for _ in range(2):
        assert driver.next_task() is not None
    states = {trial.state for trial in driver.trials}
    assert states == set(TrialState) - {TrialState.UNTRAINED}, states
    assert any(trial.replicate_of is not None for trial in driver.trials)
    close(driver)
    optuna.create_study(study_name="search-2", storage=open_storage(sqlite_url(database)), directions=["minimize"])
    return database


def tables(database: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = bytes
        names = [name.decode() for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT rowid, * FROM {name}").fetchall() for name in names}


def answer(database: Path, sampler: str = "nsga2", trials: int = TRIALS + 4) -> str:
    """What the search says that continues the study: one line, or nothing where it goes on and comes to its end."""
    before = tables(database)
    try:
        driver = driver_of(database, trials, sampler)
    except NasError as error:
        assert tables(database) == before
        line = str(error)
        assert "\n" not in line
        assert 20 < len(line) < 1000
        return line
    try:
        VirtualTimeEngine(Evaluator()).run(driver)
        assert driver.finished
        assert driver.handed_out == trials or driver.ended == EXHAUSTED
    except StudyError as error:  # what the storage itself refuses to take
        return str(error)
    finally:
        close(driver)
    return ""


def sql(*statements: str) -> Callable[[sqlite3.Connection], None]:
    def alter(connection: sqlite3.Connection) -> None:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement

    return alter


def json_of(key: str, value: str, table: str = "trial_user_attributes", number: int = 0) -> Callable[[Any], None]:
    """Sets an attribute of a trial, or of the study, to a JSON text."""
    if table == "study_user_attributes":
        return sql(f"UPDATE {table} SET value_json = '{value}' WHERE study_id = 1 AND key = '{key}'")
    return sql(f"UPDATE {table} SET value_json = '{value}' WHERE key = '{key}' AND trial_id = {number + 1}")


def inside(key: str, path: str, value: str, number: int = 0) -> Callable[[Any], None]:
    """Changes one place in an attribute of a trial; the value is SQL."""
    return sql(
        f"UPDATE trial_user_attributes SET value_json = json_set(value_json, '{path}', {value}) "
        f"WHERE key = '{key}' AND trial_id = {number + 1}"
    )


def param(name: str, what: str) -> Callable[[Any], None]:
    """Changes columns of a decision of the first trial."""
    return sql(f"UPDATE trial_params SET {what} WHERE param_name = '{name}' AND trial_id = 1")


def domains(distribution: str) -> Callable[[Any], None]:
    return sql(f"UPDATE trial_params SET distribution_json = '{distribution}' WHERE trial_id = 1")


def value(what: str, objective: int = 0) -> Callable[[Any], None]:
    return sql(f"UPDATE trial_values SET {what} WHERE trial_id = 1 AND objective = {objective}")


def trial(what: str, number: int = 0) -> Callable[[Any], None]:
    return sql(f"UPDATE trials SET {what} WHERE number = {number} AND study_id = 1")


def without(key: str) -> Callable[[Any], None]:
    return sql(f"DELETE FROM trial_user_attributes WHERE key = '{key}' AND trial_id = 1")


def less(key: str, path: str, number: int = 0) -> Callable[[Any], None]:
    """Takes one place out of an attribute."""
    return sql(
        f"UPDATE trial_user_attributes SET value_json = json_remove(value_json, '{path}') "
        f"WHERE key = '{key}' AND trial_id = {number + 1}"
    )


def everywhere(key: str, value: str, kind: str = "user") -> Callable[[Any], None]:
    """Sets an attribute wherever a trial has it."""
    return sql(f"UPDATE trial_{kind}_attributes SET value_json = '{value}' WHERE key LIKE '{key}'")


def more(key: str, value: str, kind: str = "user") -> Callable[[Any], None]:
    """Adds an attribute to every trial."""
    return sql(
        f"INSERT INTO trial_{kind}_attributes (trial_id, key, value_json) "
        f"SELECT trial_id, '{key}', '{value}' FROM trials WHERE study_id = 1"
    )


def of_study(key: str, value: str) -> Callable[[Any], None]:
    return sql(f"INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (1, '{key}', '{value}')")


REFUSED: dict[str, tuple[Callable[[Any], None], str]] = {
    "an integer decision below its range": (param("rank", "param_value = -1"), "trial 0: rank = -1"),
    "a real decision above its range": (param("rate", "param_value = 7"), "trial 0: rate = 7"),
    "a choice that is none": (param("width", "param_value = 9"), "trial 0"),
    "a decision that is NaN": (param("rate", "param_value = 'nan'"), "trial 0"),
    "a text for a decision": (param("rank", "param_value = 'wide'"), "trial 0"),
    "another choice than was trained": (
        param("width", "param_value = 3 - param_value"),
        "trial 0 would mean another network: width",
    ),
    "a decision is missing": (
        sql("DELETE FROM trial_params WHERE param_name = 'rank' AND trial_id = 1"),
        "trial 0 is not in the space",
    ),
    "a decision of another space": (param("rank", "param_name = 'depth'"), "trial 0: depth"),
    "a domain of an unknown kind": (domains('{"name": "Cauchy", "attributes": {}}'), "trial 0"),
    "a domain that is no JSON": (domains("wide"), "trial 0"),
    "a wider domain": (
        param("rank", """distribution_json = replace(distribution_json, '"high": 3', '"high": 9')"""),
        "trial 0: rank has the domain",
    ),
    "other directions": (
        sql("UPDATE study_directions SET direction = 'MINIMIZE' WHERE study_id = 1"),
        "it has other objectives, minimize, minimize; this search has accuracy",
    ),
    "one direction less": (
        sql("DELETE FROM study_directions WHERE study_id = 1 AND objective = 1"),
        "other objectives, maximize",
    ),
    "a direction that is none": (
        sql("UPDATE study_directions SET direction = 'UP' WHERE study_id = 1"),
        "'search' cannot be continued",
    ),
    "other names of the objectives": (
        sql("UPDATE study_system_attributes SET value_json = '[7]' WHERE key = 'study:metric_names'"),
        "other objectives",
    ),
    "no value": (sql("DELETE FROM trial_values WHERE trial_id = 1"), "trial 0"),
    "one value": (sql("DELETE FROM trial_values WHERE trial_id = 1 AND objective = 1"), "trial 0"),
    "another value": (value("value = 99"), "trial 0: it is stored as COMPLETE"),
    "an infinite value": (value("value_type = 'INF_POS'"), "trial 0"),
    "a text for a value": (value("value = 'good'"), "trial 0"),
    "a trial that is complete no more": (trial("state = 'RUNNING'"), "trial 0: it is stored as RUNNING"),
    "a trial that has failed": (trial("state = 'FAIL'"), "trial 0: it is failed, but has an evaluation"),
    "a trial that waits": (trial("state = 'WAITING'"), "trial 0"),
    "a state that is none": (trial("state = 'DONE'"), "trial 0 cannot be read"),
    "a number twice": (trial("number = 1", 2), "trial 2: its number is 1"),
    "a trial is gone": (sql("DELETE FROM trials WHERE number = 3 AND study_id = 1"), "trial 3: its number is 4"),
    "a trial without a number": (trial("number = NULL", 3), "trial 3"),
    "a trial that nobody searched": (
        sql(
            "INSERT INTO trials (number, study_id, state) "
            "SELECT max(number) + 1, 1, 'WAITING' FROM trials WHERE study_id = 1"
        ),
        "was not added by a search",
    ),
    "a date that is none": (trial("datetime_start = 'today'"), "trial 0 cannot be read"),
    "an attribute that is no JSON": (json_of("candidate", "{"), "trial 0"),
    "an attribute nested without end": (json_of("costs", "[" * 2000 + "]" * 2000), "trial 0"),
    "no candidate": (without("candidate"), "trial 0: it was not added by a search"),
    "a list for the candidate": (
        json_of("candidate", "[1, 2]"),
        "trial 0: the candidate is [1, 2]; allowed: an object",
    ),
    "a candidate of another space": (inside("candidate", "$.space", "'others'"), "trial 0: its digest"),
    "another candidate": (inside("candidate", "$.architecture.width", "1000000000"), "trial 0: its digest"),
    "another digest": (json_of("digest", '"0123456789abcdef"'), "trial 0: its digest"),
    "no costs": (without("costs"), "trial 0: it has no 'costs'"),
    "a text for costs": (inside("costs", "$.macs", "'few'"), "trial 0: costs: macs is 'few'; allowed: a finite number"),
    "costs that are NaN": (json_of("costs", '{"macs": NaN, "params": 80}'), "trial 0: costs: macs is nan"),
    "other costs": (inside("costs", "$.macs", "5"), "trial 0: it is stored as COMPLETE"),
    "a cost is missing": (less("costs", "$.params"), "has the costs"),
    "no outcome": (without("outcome"), "trial 0: it is complete, but has no outcome"),
    "a failure for an evaluation": (
        json_of("outcome", '{"failure": "diverged", "message": "", "seconds": 1, "epochs": 1}'),
        "trial 0: it is complete, but has a failure",
    ),
    "a failure of no kind": (
        json_of("outcome", '{"failure": "bored", "message": "", "seconds": 1, "epochs": 1}'),
        "trial 0: the outcome's failure is 'bored'",
    ),
    "a text for an accuracy": (
        inside("outcome", "$.measurements.accuracy.mean", "'high'"),
        "trial 0: a measurement's mean is 'high'",
    ),
    "no accuracy": (less("outcome", "$.measurements.accuracy"), "trial 0: it is complete, but has no accuracy"),
    "of no images": (inside("outcome", "$.measurements.accuracy.n", "0"), "trial 0: a measurement's n is 0"),
    "negative epochs": (inside("outcome", "$.epochs", "-3"), "trial 0: the outcome's epochs is -3"),
    "a curve that is none": (inside("outcome", "$.details.curve", "'steep'"), "trial 0: the outcome's curve"),
    "a point of a curve that is none": (
        inside("outcome", "$.details.curve[0].accuracy", "'steep'"),
        "trial 0: the outcome's curve",
    ),
    "a repeat of a later trial": (everywhere("reused_from", "900"), "reused_from is 900; allowed"),
    "a repeat of a text": (everywhere("reused_from", '"the first"'), "reused_from is 'the first'"),
    "a further training of another candidate": (everywhere("replicate_of", "1"), "but is of another candidate"),
    "limits that are broken by nothing": (everywhere("violations", "7"), "violations is 7; allowed: a list"),
    "constraints that are text": (
        everywhere("constraints:max_macs", '"far"', "system"),
        "constraints:max_macs is 'far'",
    ),
    "another identity": (
        json_of("identity", "[1]", "study_user_attributes"),
        "its attribute identity is [1]; allowed: an object",
    ),
    "other settings": (
        json_of("identity", '{"space": 1, "epochs": 9, "seed": 5}', "study_user_attributes"),
        "was made with other settings",
    ),
    "no identity": (sql("DELETE FROM study_user_attributes WHERE key = 'identity'"), "was not made by a search"),
    "another format": (json_of("format", "7", "study_user_attributes"), "its format is 7"),
    "a study attribute that is no JSON": (json_of("identity", "{", "study_user_attributes"), "cannot be continued"),
    "another name": (
        sql("UPDATE studies SET study_name = 'mine' WHERE study_id = 1"),
        "has no study 'search', but ['mine', 'search-2']",
    ),
    "a version of the count that is none": (
        json_of("costs_version", '"new"', "study_user_attributes"),
        "costs_version is 'new'",
    ),
    "an earlier form of the space that is none": (of_study("grown_from", "7"), "grown_from is 7"),
    "the successor of another study": (of_study("succeeds", '"other"'), "goes on with the trials of 'other'"),
}
HARMLESS: dict[str, Callable[[Any], None]] = {
    "a note of the sampler that is text": everywhere("%generation", '"old"', "system"),
    "a foreign curve": more("known_cost:curve", '{"x": "y"}'),
    "notes of the dashboard": more("dashboard:note", '"good"', "system"),
    "constraints in the old form": more("constraints", "7", "system"),
    "parameters to be set that are none": more("tpe:relative_params:0", "7", "system"),
    "a sign of life that is none": json_of("driver", '{"host": 7}', "study_user_attributes"),
    "no names of objectives": sql("DELETE FROM study_system_attributes WHERE key = 'study:metric_names'"),
    "no times": sql("UPDATE trials SET datetime_start = NULL, datetime_complete = NULL"),
    "another study is broken": sql("UPDATE study_directions SET direction = 'UP' WHERE study_id = 2"),
    "intermediate values": sql(
        "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
        "VALUES (1, 3, 5.0, 'FINITE')"
    ),
}


def altered(original: Path, folder: Path, alter: Callable[[sqlite3.Connection], None]) -> Path:
    database = folder / "study.db"
    shutil.copy(original, database)
    with closing(sqlite3.connect(database)) as connection:
        alter(connection)
        connection.commit()
    return database


def test_as_it_was_written_it_goes_on(original: Path, tmp_path: Path) -> None:
    assert answer(altered(original, tmp_path, lambda _connection: None)) == ""


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_changed(what: str, original: Path, tmp_path: Path) -> None:
    alter, told = REFUSED[what]
    assert told in answer(altered(original, tmp_path, alter))


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "known_cost"])
@pytest.mark.parametrize("what", HARMLESS)
def test_what_no_search_needs_is_passed_over(what: str, sampler: str, original: Path, tmp_path: Path) -> None:
    assert answer(altered(original, tmp_path, HARMLESS[what]), sampler, TRIALS + 3) == ""


def test_an_empty_study_with_other_objectives_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    optuna.create_study(
        study_name="search", storage=open_storage(sqlite_url(database)), directions=["minimize", "minimize"]
    )
    assert "it has other objectives, minimize, minimize" in answer(database)


def test_an_empty_study_that_a_killed_search_has_left_is_begun(tmp_path: Path) -> None:
    database = tmp_path / "study.db"
    optuna.create_study(
        study_name="search", storage=open_storage(sqlite_url(database)), directions=["maximize", "minimize"]
    )
    assert answer(database, trials=3) == ""


def test_a_study_that_is_made_at_the_same_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "study.db"
    optuna.create_study(
        study_name="search", storage=open_storage(sqlite_url(database)), directions=["maximize", "minimize"]
    )
    monkeypatch.setattr("nas.study.study.find_study", lambda *_arguments: None)
    monkeypatch.setattr("nas.study.migration.find_study", lambda *_arguments: None)
    assert "another search is just making the study 'search'" in answer(database)


VALUES: tuple[Any, ...] = (
    None, "", "text", b"\xff\x00", -1, 0, 1, 2, 7, 1e9, 2**62, -1e308, 1e308, float("inf"), "nan", "null", "true", "[]", "{}",
    "[1, 2]", '{"a": 1}', "NaN", "Infinity", "1e999", "9" * 5000, '"text"', "[" * 5000, "{" * 900 + "}" * 900, "x" * 100_000,
    "COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING", "MAXIMIZE", "MINIMIZE", "FINITE", "INF_NEG",
)  # fmt: skip


def at_random(rng: random.Random) -> Callable[[sqlite3.Connection], None]:
    """Changes, removes or doubles rows of any table of the study."""

    def alter(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            table = rng.choice([name for (name,) in found for _ in range(8 if name.startswith("trial") else 1)])
            rows = [row for (row,) in connection.execute(f"SELECT rowid FROM {table}")]
            if not rows:
                continue
            row = rng.choice(rows)
            columns = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
            column, other = rng.choice(columns), rng.choice(rows)
            value = f"(SELECT {column} FROM {table} WHERE rowid = {other})"
            change = rng.choice(("set", "set", "set", "swap", "json", "delete", "delete column", "double"))
            try:
                if change == "set":
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (rng.choice(VALUES), row))
                elif change == "swap":
                    connection.execute(f"UPDATE {table} SET {column} = {value} WHERE rowid = ?", (row,))
                elif change == "json" and "value_json" in columns:
                    change_json(connection, table, row, rng)
                elif change == "delete":
                    connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
                elif change == "delete column":
                    connection.execute(f"UPDATE {table} SET {column} = NULL WHERE rowid = ?", (row,))
                elif change == "double":
                    others = [each for each in columns if each != columns[0]]
                    names = ", ".join(others)
                    connection.execute(
                        f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE rowid = ?", (row,)
                    )
            except sqlite3.Error:
                continue  # the table itself refuses it

    return alter


def change_json(connection: sqlite3.Connection, table: str, row: int, rng: random.Random) -> None:
    """Puts something else into one place of a JSON text, or takes the place away."""
    (text,) = connection.execute(f"SELECT value_json FROM {table} WHERE rowid = ?", (row,)).fetchone()
    paths = [path for (path,) in connection.execute("SELECT fullkey FROM json_tree(?)", (text,))]
    path = rng.choice(paths)
    if rng.random() < 0.3:
        statement, values = "json_remove(value_json, ?)", [path]
    else:
        statement, values = (
            "json_set(value_json, ?, ?)",
            [path, rng.choice((None, -1, 0, 3, 1e9, 2**62, "text", 1e308))],
        )
    connection.execute(f"UPDATE {table} SET value_json = {statement} WHERE rowid = ?", (*values, row))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_alterations_drawn_at_random_end_in_no_traceback(block: int, original: Path, tmp_path: Path) -> None:
    """Two hundred in all; what a search goes on with is whole, as another start shows."""
    for seed in range(20 * block, 20 * block + 20):
        rng = random.Random(seed)
        database = altered(original, tmp_path, at_random(rng))
        told = answer(database, rng.choice(("nsga2", "tpe", "known_cost", "random")), TRIALS + 3)
        if not told:
            assert answer(database, trials=TRIALS + 3) == ""
