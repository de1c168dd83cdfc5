# Two commands are all a newcomer needs: `make run` and `make test`. Everything is installed into .venv, pinned and hashed.
# Another Python: make run PYTHON=/path/to/python3.12      Options of the program: make run ARGS="--seed 7 --speed 4"

PYTHON ?= python3
ARGS ?=
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTEST := $(BIN)/python -m pytest

# A virtual environment whose Python was removed (an upgrade of the system) is made anew.
ifeq ($(shell test -e $(VENV)/.made && ! $(BIN)/python -c '' 2>/dev/null && echo broken),broken)
$(shell rm -rf $(VENV))
endif

.DEFAULT_GOAL := help
.PHONY: help run attach flatten stop test check lint types contracts bench dst dst-replay soak pictures lock

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## start engine and simulated exchange if none runs, and open the screen
	@exec $(BIN)/cockpit run $(ARGS)

attach: $(VENV)/.installed ## open the screen of the running engine
	@exec $(BIN)/cockpit attach $(ARGS)

flatten: ## close every position and cancel every order: ARGS="--env live"
	@exec $(BIN)/cockpit flatten $(ARGS)

stop: $(VENV)/.installed ## stop engine and simulated exchange; ARGS=--flatten closes first
	@exec $(BIN)/cockpit stop $(ARGS)

test: lint types contracts ## everything that CI checks
	@$(PYTEST) -m "not soak" -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint types contracts ## the short loop: without processes, sockets and screens
	@$(PYTEST) tests/unit tests/property tests/contract $(ARGS)

lint: $(VENV)/.installed-test
	@echo "lint"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	@echo "types"
	@$(BIN)/mypy

contracts: $(VENV)/.installed-test
	@echo "contracts between floors"
	@$(BIN)/lint-imports

bench: $(VENV)/.installed-test ## measure; prints numbers, asserts nothing
	@$(BIN)/python -m bench $(ARGS)

SCHEDULES ?= 3000
SEED ?= 1

dst: $(VENV)/.installed-test ## simulate faults: SCHEDULES=n SEED=s
	@$(BIN)/python -m tests.dst --schedules $(SCHEDULES) --seed $(SEED)

dst-replay: $(VENV)/.installed-test ## the trace of one schedule: SEED=s, or the name of a known one
	@$(BIN)/python -m tests.dst --replay "$(SEED)"

soak: $(VENV)/.installed-test ## hours of faults; stop it with ctrl+c
	@$(PYTEST) -m soak --timeout=0 $(ARGS)

pictures: $(VENV)/.installed-test ## draw the pictures of the documents anew, from the running program
	@$(BIN)/python -m bench.pictures

lock: ## renew requirements*.txt (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate pyproject.toml --group build --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate pyproject.toml --group build --group test --output-file requirements-test.txt

# Stamps: nothing is installed again until the lock or pyproject.toml changes.
$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/.made
	@echo "installing the program's pinned requirements (first time: a minute or two)"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-test: requirements-test.txt pyproject.toml | $(VENV)/.made
	@echo "installing the pinned requirements of program and tests (first time: a minute or two)"
	@$(PIP) install --require-hashes -r requirements-test.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
		echo "python3 is missing; on Debian or Ubuntu: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old; cockpit needs 3.11 or later: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python's venv module is missing; on Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@
