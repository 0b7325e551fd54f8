# `make serve` and `make test` are all it takes; each sets itself up in .venv first.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The whole suite shares out its files among one process more than there are cores, since tests wait
# for servers and browsers; a file that is named runs by itself. In the order of their names, as the
# plug-in would begin with the files of many tests and end with the long files of one.
WORKERS = $(shell $(BIN)/python -c 'import os; print(min((os.cpu_count() or 1) + 1, 4))')
SPREAD = $(if $(ARGS),,-n $(WORKERS) --dist loadfile --no-loadscope-reorder)
# Where the embedded PostgreSQL keeps its data, unless TRACER_DATA_DIR says otherwise.
DATA   := $(or $(TRACER_DATA_DIR),~/.tracer)

.DEFAULT_GOAL := help
.PHONY: help serve demo test test-slow coverage bench attack lint format screenshots wheel lock audit clean

help: ## List what there is to make.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.server ## Serve on http://127.0.0.1:4318 (more: ARGS="--port 8000").
	@echo "the command is $(BIN)/tracer, the data in $(DATA)"
	@exec $(BIN)/tracer serve $(ARGS)

demo: $(VENV)/.server ## Send a realistic data set to the running server.
	@exec $(BIN)/tracer demo $(ARGS)

test: $(VENV)/.dev ## Run the tests (one file: ARGS=tests/test_app.py).
	@$(BIN)/pytest $(SPREAD) $(ARGS)

test-slow: $(VENV)/.dev ## Run the tests that take minutes or the network.
	@$(BIN)/pytest -m slow $(ARGS)

coverage: $(VENV)/.dev ## Run the tests and print how much of each package they execute.
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(SPREAD) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python .ci/coverage_by_package.py

bench: $(VENV)/.dev ## Measure ingest, pages, start and memory.
	@$(BIN)/python -m bench $(ARGS)

attack: $(VENV)/.dev ## Attack a server of its own on loopback and print what it took.
	@$(BIN)/python -m bench.attack $(ARGS)

lint: $(VENV)/.dev ## Check style, formatting, types and import rules.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## Format the code.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

screenshots: $(VENV)/.dev ## Make the README's pictures from the demo data.
	@$(BIN)/python -m bench.screenshots $(ARGS)

wheel: $(VENV)/.dev ## Build the wheel into dist.
	@$(BIN)/python -m hatchling build -t wheel

lock: $(VENV)/lock ## Refresh constraints.txt (add what is new alone: ARGS=--no-upgrade).
	@$(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
		--no-annotate --custom-compile-command 'make lock' --output-file constraints.txt \
		$(or $(ARGS),--upgrade) pyproject.toml
	@$(MAKE) --no-print-directory audit

audit: $(VENV)/lock ## Look the versions of constraints.txt up in a database of vulnerabilities.
	@.ci/audit $(VENV)/lock/bin/pip-audit

clean: ## Remove the virtual environment and what tools leave behind; the data stays.
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "Python's venv module is needed (Debian: apt install python3-venv)"; exit 1; }

# A stamp is newer than both files when the packages that they name are installed.
$(VENV)/.server: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the server into $(VENV)"
	@$(PIP) -c constraints.txt -e '.[server]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the server and its development tools into $(VENV)"
	@$(PIP) -c constraints.txt -e '.[server,dev]'
	@touch $@ $(VENV)/.server

# Apart from the rest, whose versions these tools choose.
$(VENV)/lock: | $(BIN)/python
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check uv pip-audit \
		|| { rm -rf $@; exit 1; }
