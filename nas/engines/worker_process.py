"""A worker process of the local engine: reads tasks, trains, and writes outcomes, each as one line of JSON.

It ends at once, whatever it is doing, when its driver is gone (end of its standard input). The last checkpoint stays.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO

from nas.engines.serving import PROGRESS, READY, make_evaluator, serve
from nas.records import Progress, Task
from nas.watchers.signals import leave_signals_to_the_driver


def main() -> None:
    """Serves tasks until standard input ends."""
    faulthandler.enable()  # a fault of a library leaves in the log where it was called
    leave_signals_to_the_driver()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    # Whatever a library prints must not get between the replies.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines: queue.Queue[dict[str, Any]] = queue.Queue()

    def tell(progress: Progress) -> bool:
        _reply(replies, PROGRESS, progress.to_json())
        return not progress.waits or bool(lines.get()["go_on"])

    specification = json.loads(sys.stdin.readline())
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    evaluator = make_evaluator(specification["factory"], specification["arguments"])
    _reply(replies, READY, {})
    while True:
        _reply(replies, *serve(evaluator, Task.from_json(lines.get()), tell))


def _listen(lines: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        lines.put(json.loads(line))
    os._exit(0)


def _reply(replies: TextIO, kind: str, body: Mapping[str, Any]) -> None:
    replies.write(json.dumps({"kind": kind, "body": body}) + "\n")
    replies.flush()


if __name__ == "__main__":
    main()
