"""The settings that define a stored study: whether they equal the present ones, and how they are changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.storages import BaseStorage

from nas.errors import StudyError
from nas.study.stored_study import IDENTITY, StoredStudy, told_as_study_error
from nas.values.json_fields import shown


def check_identity(stored: StoredStudy, identity: Mapping[str, Any]) -> None:
    """Refuses a study that was made with other settings.

    Raises:
        StudyError: Some settings differ; the message names them.
    """
    if stored.identity.get("data.fingerprint") != identity.get("data.fingerprint"):
        raise StudyError(
            f"the study {stored.name!r} was made with other images, or another split of them; nothing was changed. "
            "Put the images, and settings such as --data.skip_broken, back as they were to continue it, or give another "
            "--output for a new search"
        )
    there = stored.identity
    differing = sorted(key for key in {*there, *identity} if there.get(key) != identity.get(key))
    if differing:
        lines = "; ".join(
            f"{key}: there {shown(there.get(key))}, asked {shown(identity.get(key))}" for key in differing
        )
        raise StudyError(
            f"the study {stored.name!r} was made with other settings, nothing was changed: {lines}. "
            "Use the same settings to continue it, or another --output for a new search"
        )


def rewrite_identity(storage: BaseStorage, study: int, identity: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    """Replaces the identity of a stored study that no driver holds, after writing further attributes."""
    with told_as_study_error():
        for key, value in more.items():
            storage.set_study_user_attr(study, key, value)
        storage.set_study_user_attr(study, IDENTITY, dict(identity))
