"""Files of records, one line of JSON each, to which lines are only appended, so that a kill costs at most the last line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.errors import OutputError
from nas.values.json_file import open_regular, parse_json


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file; none if there is no file. A last line without an end was cut off by a kill and does not count.

    Raises:
        OutputError: The file cannot be read, or one of its lines is no JSON object.
    """
    try:
        with open_regular(path) as file:
            whole, _, _ = file.read().rpartition(b"\n")
    except FileNotFoundError:
        return []
    records = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            record = parse_json(line.decode())
        except (ValueError, RecursionError) as error:
            raise OutputError(f"{path} is broken: line {number} is not JSON ({error})") from error
        if not isinstance(record, dict):
            raise OutputError(f"{path} is broken: line {number} is no object")
        records.append(record)
    return records


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Adds a record, which is on the disk when this returns, and removes a line that was cut off before it.

    Raises:
        OutputError: The file cannot be written.
    """
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.seek(0)
            before = file.read()
            end = before.rfind(b"\n") + 1
            if end < len(before):
                file.truncate(end)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
