# Mirrorfarm from the shell: `make help` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up mirror test lint bench lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
LOCK := $(BIN)/python -m uv pip compile --quiet --no-emit-index-url --no-header --python-version 3.11

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Options go into ARGS, for example: make up ARGS='--port 8001'. Another Python: make up PYTHON=python3.12"

up: $(INSTALLED) ## Start the farm on this machine and mirror a demonstration repository (Ctrl-C stops it)
	@exec $(BIN)/python manage.py up $(ARGS)

mirror: $(INSTALLED) ## Set up and watch mirrors: make mirror ARGS='add quay.io/org/app myorg/app --tags latest'
	@exec $(BIN)/python manage.py mirror $(ARGS)

test: $(INSTALLED_DEV) ## Run all tests; on Debian installs the tools they need first
	@tests/install_tools
	@$(BIN)/python -m pytest $(ARGS)

lint: $(INSTALLED_DEV) ## Check style, types, layering and templates
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m djlint templates --check --quiet
	@$(BIN)/python -m djlint templates --lint --quiet

bench: $(INSTALLED_DEV) ## Time Mirrorfarm beside skopeo, crane and regsync (an hour; make bench ARGS='--preset small --rounds 1')
	@$(BIN)/python -m benchmarks $(ARGS)

lock: $(INSTALLED_DEV) ## Pin requirements*.in in requirements*.txt (newest of everything: make lock ARGS=--upgrade)
	@$(LOCK) $(ARGS) requirements.in -o requirements.txt
	@$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name one with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Mirrorfarm needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt-get install python3-venv), then try again." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Stamps: what is installed is as new as the pinned requirements.
$(INSTALLED): requirements.txt | $(BIN)/python
	@echo "Installing what Mirrorfarm needs into $(VENV) (a minute or two, once) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "Installing the tools for tests and checks into $(VENV) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@
