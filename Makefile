# `make serve` and `make test` are all it takes; each sets itself up in .venv first.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
# The whole suite shares out its files among the cores; one that is named runs by itself.
SPREAD := $(if $(ARGS),,-n logical --maxprocesses 4 --dist loadfile)
# Where the embedded PostgreSQL keeps its data, unless TRACER_DATA_DIR says otherwise.
DATA   := $(or $(TRACER_DATA_DIR),~/.tracer)

.DEFAULT_GOAL := help
.PHONY: help serve demo test test-slow bench lint format clean

help: ## Say what there is to make.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.server ## Serve on http://127.0.0.1:4318 (more: ARGS="--port 8000").
	@echo "virtual environment in $(VENV), data in $(DATA)"
	@exec $(BIN)/tracer serve $(ARGS)

demo: $(VENV)/.server ## Send a realistic data set to the running server.
	@exec $(BIN)/tracer demo $(ARGS)

test: $(VENV)/.dev ## Run the tests (one file: ARGS=tests/test_app.py).
	@$(BIN)/pytest $(SPREAD) $(ARGS)

test-slow: $(VENV)/.dev ## Run the tests that take minutes or the network.
	@$(BIN)/pytest -m slow $(ARGS)

bench: $(VENV)/.dev ## Measure ingest, pages, start and memory.
	@$(BIN)/python -m bench $(ARGS)

lint: $(VENV)/.dev ## Check style, formatting, types and import rules.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## Format the code.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

clean: ## Remove the virtual environment and what tools leave behind; the data stays.
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "Python's venv module is needed (Debian: apt install python3-venv)"; exit 1; }

# A stamp is newer than pyproject.toml when what that asks for is installed.
$(VENV)/.server: pyproject.toml | $(BIN)/python
	@echo "installing the server into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing the server and its development tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server,dev]'
	@touch $@ $(VENV)/.server
