from __future__ import annotations

import os
import sys

import pytest

from evaluator.cores import usable_cores


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is a notion of Linux")
def test_only_the_cores_that_this_process_may_run_on_are_counted() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert usable_cores() == len(allowed)
