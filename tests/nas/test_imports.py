import subprocess
import sys

import pytest

NOUNS = ("budget", "candidate", "dimensions", "errors", "objectives", "pareto", "ports", "records", "settings", "space")
LIGHT = [
    "nas",
    *(f"nas.{noun}" for noun in NOUNS),
    "nas.settings.configuration",
    "nas.samplers",
    "nas.engines",
    "nas.report",
]
LIGHT += [
    "search_spaces",
    "search_spaces.settings",
    "search_spaces.blocks",
    "evaluator",
    "evaluator.settings",
    "run_search",
    "evaluator.costs",
    "evaluator.measures",
    "image_search.axes",
    "image_search.check",
    "image_search.dry_run",
    "image_search.plan",
    "image_search.settings",
    "shadow_check",
]


@pytest.mark.parametrize("module", LIGHT)
def test_noun_modules_and_registries_import_the_standard_library_alone(module: str) -> None:
    program = f"""
import sys
before = set(sys.modules)
import {module}
new = {{name.partition('.')[0] for name in set(sys.modules) - before}}
foreign = new - set(sys.stdlib_module_names) - {{'nas', 'search_spaces', 'evaluator', 'run_search', 'image_search', 'shadow_check'}}
print(sorted(name for name in foreign if not name.startswith('_')))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_engine_runs_without_torch() -> None:
    program = """
import sys
sys.modules['torch'] = None
import nas.search.driver, nas.search.limits, nas.engines.local, nas.engines.worker_process
import nas.study.study, nas.watchers.progress, nas.output.folder
import nas.report.tables, nas.report.pictures.front, nas.report.page
"""
    subprocess.run([sys.executable, "-c", program], check=True)
