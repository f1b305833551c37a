"""The settings that define a stored study: whether they equal the present ones, and how they are changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage

from nas.errors import StudyError
from nas.settings.axes import amounts_text
from nas.study.stored_study import IDENTITY, StoredStudy, told_as_study_error
from nas.values.json_fields import shown

TOLD = "told."
"""Begins the names of facts that are kept in an identity and not compared: they lie behind a hash, and are named if it differs."""
LIMIT = "search.max_"
FINGERPRINT = "data.fingerprint"


def differing(there: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """The names of the settings in which two identities differ."""
    names = {name for name in {*there, *asked} if not name.startswith(TOLD)}
    return sorted(name for name in names if there.get(name) != asked.get(name))


def check_identity(stored: StoredStudy, identity: Mapping[str, Any]) -> None:
    """Refuses a study that was made with other settings.

    Raises:
        StudyError: Some settings differ; the message names them.
    """
    there = stored.identity
    names = differing(there, identity)
    if FINGERPRINT in names:
        raise StudyError(_other_images(stored.name, there, identity))
    if names:
        lines = "; ".join(_change(name, there, identity) for name in names)
        raise StudyError(
            f"the study {stored.name!r} was made with other settings, nothing was changed: {lines}. "
            f"Use the same settings to continue it, or another --output for a new search{_without_limits(names, there, identity)}"
        )


def _other_images(study: str, there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """What is wrong where the images or their split differ: the settings that changed, or else that the files did."""
    told = sorted(name for name in asked if name.startswith(TOLD) and name in there and there[name] != asked[name])
    changed = [_change(name, there, asked) for name in ("search.seed", *told) if there.get(name) != asked.get(name)]
    if changed:
        return (
            f"the study {study!r} was made with other images, or another split of them, nothing was changed: "
            f"{'; '.join(changed)}. Use the same settings to continue it, or another --output for a new search"
        )
    return (
        f"the study {study!r} was made with other images, or another split of them; nothing was changed. "
        "Put the images, and settings such as --data.skip_broken, back as they were to continue it, or give another "
        "--output for a new search"
    )


def _change(name: str, there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    return f"{name.removeprefix(TOLD)}: there {shown(there.get(name))}, asked {shown(asked.get(name))}"


def _without_limits(names: Sequence[str], there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """How to see what a study without limits has below them; empty if more differs than limits that were added."""
    if not all(name.startswith(LIMIT) and there.get(name) is None for name in names):
        return ""
    limits = amounts_text({name.removeprefix(LIMIT): asked[name] for name in names})
    return f"; what this study has below the limit is shown by --report_below {limits} in its place"


def rewrite_identity(storage: BaseStorage, study: int, identity: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    """Replaces the identity of a stored study that no driver holds, after writing further attributes."""
    with told_as_study_error():
        for key, value in more.items():
            storage.set_study_user_attr(study, key, value)
        storage.set_study_user_attr(study, IDENTITY, dict(identity))
