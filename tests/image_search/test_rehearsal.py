"""The rehearsal of a search: processes like its workers time candidates, and say why they cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from image_search import rehearsal
from image_search.plan import Plan
from image_search.rehearsal import rehearse_workers
from nas.errors import SettingsError
from nas.ports import WorkerSpec
from tests.image_search.test_run_search import small


def test_every_process_times_what_is_needed_and_more_while_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(small(tmp_path / "run"))
    known = dict(plan.known_candidates)
    spec = plan.worker_spec(tmp_path / "unused")

    timed = rehearse_workers(spec, known, list(known)[:1], workers=2)

    assert set(timed.by_name) == set(known)
    assert timed.start_seconds > 0
    assert all(each.step_seconds > 0 and each.validation_seconds > 0 for each in timed.by_name.values())
    assert list(tmp_path.iterdir()) == []

    monkeypatch.setattr(rehearsal, "LIMIT_SECONDS", -1.0)
    assert list(rehearse_workers(spec, known, list(known)[:1], workers=1).by_name) == list(known)[:1]


def test_a_process_that_cannot_train_says_why_in_one_line(tmp_path: Path) -> None:
    plan = Plan(small(tmp_path / "run"))
    spec = plan.worker_spec(tmp_path / "unused")
    train = {**spec.arguments["train"], "threads": 0}
    known = dict(plan.known_candidates)
    for broken, told in (
        (replace(spec, arguments={**spec.arguments, "train": train}), "--train.threads is 0"),
        (WorkerSpec(factory="no_such_module:make"), "No module named 'no_such_module'"),
    ):
        with pytest.raises(SettingsError, match="nothing can be trained with these settings") as caught:
            rehearse_workers(broken, known, list(known), workers=1)
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)
