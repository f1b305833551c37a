# `make search` and `make test` do all the set-up on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
SEARCH ?=
ABLATION ?=
export STORAGE ?= sqlite:///runs/quickstart/study.db

.PHONY: search test slow lint check ablation dashboard clean

search: $(STAMP)  ## the default search, to a report in runs/quickstart
	$(BIN)/python run_search.py $(SEARCH)

test: $(STAMP)  ## the tests
	$(BIN)/python -m pytest -n 2 $(PYTEST)

slow: $(STAMP)  ## those that take more than ten seconds: kills, crashes, clusters
	$(BIN)/python -m pytest -n 2 --slow -m slow $(PYTEST)

lint: $(STAMP)  ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test slow  ## all that decides whether a change is good

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e ".[dev]"
	touch $@

ablation: $(STAMP)  ## what the dynamic shuffle is worth: all arms on CIFAR-10, hours; ABLATION="--data.root DATA"
	$(BIN)/python -m benchmarks.ablation $(ABLATION)

dashboard: $(STAMP)  ## Optuna's dashboard of a search, to look at; STORAGE=postgresql://... names its storage
	@$(BIN)/python -c 'import optuna_dashboard' 2>/dev/null || $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e ".[dashboard]"
	@$(BIN)/python -m nas.watchers.dashboard "$$STORAGE"

clean:  ## removes the virtual environment
	rm -rf $(VENV)
