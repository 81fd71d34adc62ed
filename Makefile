# The few commands people type. Everything runs in .venv, which bootstrap.py makes on first use.
.DEFAULT_GOAL := help
.PHONY: help ready demo test check lint types contracts openapi openapi-check errors serve migrate trust bench bench-full clean

PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do command -v $$each && break; done)
GIVEN_PYTHON := $(if $(filter-out file undefined,$(origin PYTHON)),$(PYTHON))
BIN := .venv/bin
FLASK := $(BIN)/python -m flask --app wsgi
PORT ?= 8000
# `flask openapi` and `flask errors` read the code alone; this address is never called, and no server is started.
NO_DATABASE := DATABASE_URL=postgresql://nobody@127.0.0.1:1/none

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

ready: # Make .venv, or find it made
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. On Debian or Ubuntu: apt install python3 python3-venv" >&2; exit 2; }
	@"$(PYTHON)" bootstrap.py $(if $(GIVEN_PYTHON),"$(GIVEN_PYTHON)")

demo: ready ## Play the main job over HTTP, then keep serving (ONCE=1 ends after the story; PORT=8001)
	@$(FLASK) demo --port $(PORT) $(if $(ONCE),--once)

test: ready ## Run the tests, on as many as four processors
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

check: lint types contracts openapi-check test ## Everything that CI looks at, but the slow tests

lint: ready # Format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: ready
	@$(BIN)/python -m mypy

contracts: ready # Which package may know which
	@$(BIN)/lint-imports --no-logo

openapi: ready ## Write openapi.yaml from the code
	@$(NO_DATABASE) $(FLASK) openapi

errors: ready ## Write docs/errors.md from the code
	@$(NO_DATABASE) $(FLASK) errors

openapi-check: ready # openapi.yaml and docs/errors.md say what the code says
	@$(NO_DATABASE) $(FLASK) openapi --check
	@$(NO_DATABASE) $(FLASK) errors --check

serve: migrate ## Migrate, then serve with a worker (PORT=8001)
	@$(FLASK) serve --port $(PORT)

migrate: ready ## Bring the database up to this program's schema
	@$(FLASK) migrate

trust: ready ## Try to break the promises about money: a line for each figure of docs/trust.md (DRILLS="g7 g8")
	@$(BIN)/python -m tests.trust $(DRILLS)

bench: ready ## Judge the performance goals on a corpus of 10,000 programmes
	@$(BIN)/python -m benchmarks

bench-full: ready ## The same at 100,000 and 1,000,000: hours, and some 25 GB of disk
	@$(BIN)/python -m benchmarks --full

clean: ## Remove .venv and caches; the data in instance/ stays
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find marketplace migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +
