"""A process that uses a device lock, told what to do and telling what it does a line at a time.

python -m tests.evaluator.measuring.lock_user FOLDER shared|exclusive|yielding [DEVICE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from evaluator.measuring.device_lock import DeviceLock


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    folder, mode, *devices = sys.argv[1:]
    lock = DeviceLock(*(devices or ["cpu"]), folder=Path(folder))
    say("asks")
    with lock.shared() if mode != "exclusive" else lock.exclusive() as hold:
        say("in")
        while mode == "yielding":
            assert hold is not None
            if hold.give_way():
                say("gave way")
        sys.stdin.readline()
        say("leaves")
    say("out")


if __name__ == "__main__":
    main()
