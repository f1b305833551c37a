"""An exception in one line, as failures report it."""

from __future__ import annotations

import traceback
from pathlib import Path


def exception_line(error: BaseException) -> str:
    """Type, message and place of an exception, such as `IndexError: no such channel (trainer.py, line 12)`."""
    words = " ".join("".join(traceback.format_exception_only(error)).split())
    frames = traceback.extract_tb(error.__traceback__)
    return f"{words} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else words
