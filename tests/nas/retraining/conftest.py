"""The synthetic searches of the report's tests."""

from tests.nas.report.conftest import make_result, make_search, make_trial

__all__ = ["make_result", "make_search", "make_trial"]
