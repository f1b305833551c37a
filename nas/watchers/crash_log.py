"""Logs of unforeseen errors: files with everything that helps to find the cause, and no password."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from nas.values.exception_line import exception_line
from nas.values.redaction import hide, redact, redact_word, secrets_of

LONGEST = 300
"""Most characters of the error that the line on the console shows."""


def keep_crash(error: BaseException, words: Sequence[str], folder: Path | None) -> str:
    """Writes the log, and returns one line that says what happened and where the log is.

    Args:
        error: The exception.
        words: The command line without the program's name.
        folder: Folder of the log. Default, and if it cannot be written to: the temporary folder.
    """
    secrets = [secret for word in words for secret in secrets_of(word) if "://" in word]
    what = hide(redact(" ".join(exception_line(error).split())), secrets)
    what = what if len(what) <= LONGEST else what[:LONGEST] + "..."
    content = "\n".join(
        [
            time.strftime("%Y-%m-%d %H:%M:%S %z"),
            f"Python {platform.python_version()}, {platform.platform()}, process {os.getpid()}",
            " ".join([sys.argv[0], *map(redact_word, words)]),
            "",
            *traceback.format_exception(error),
        ]
    )
    log = _written(hide(redact(content), secrets), folder)
    where = "no log of it could be written" if log is None else f"the log with the traceback is {log}"
    return f"an unforeseen error: {what}; {where}"


def _written(content: str, folder: Path | None) -> Path | None:
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for place in (folder, Path(tempfile.gettempdir())):
        if place is not None:
            try:
                place.mkdir(parents=True, exist_ok=True)
                (place / name).write_text(content, encoding="utf-8", errors="backslashreplace")
                return place / name
            except OSError:
                continue
    return None
