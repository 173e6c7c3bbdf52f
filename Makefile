# Everything runs in .venv, made from requirements.lock with Python 3.11 (or 3.12) and the pip that comes with it.
PYTHON ?= python3.11
BIN := .venv/bin
DEMO := .demo
PEERS := .peers

.PHONY: demo test env peers lock lint types unit format docs bench clean

demo: env ## invented exports with faults, one night, its summary, three queries
	rm -rf $(DEMO)
	$(BIN)/bhyt sample $(DEMO) --persons 20000 --months 2025-06..2025-08 --seed 1 --faults
	COVERAGE_HOME=$(DEMO)/data COVERAGE_LANDING=$(DEMO)/landing $(BIN)/bhyt nightly
	COVERAGE_HOME=$(DEMO)/data $(BIN)/bhyt queries

test: env lint types unit ## linters, types, all tests

env: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	touch $@

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

unit: env
	$(BIN)/python -m pytest

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: env ## the pages that are made from the declarations
	$(BIN)/python -m warehouse.dictionary_pages docs/dictionary

peers: $(PEERS)/.installed ## what the benchmarks measure against, in an environment of its own

$(PEERS)/.installed: $(wildcard benchmarks/*/requirements.lock)
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	for lock in $^; do $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $$lock || exit 1; done
	touch $@

bench: env peers ## every benchmark; writes docs/performance.md (single ones: .venv/bin/python -m benchmarks --help)
	$(BIN)/python -m benchmarks

# The one step that needs uv (https://docs.astral.sh/uv): resolve pyproject.toml anew, hashes for every platform, no index named.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf .venv $(PEERS) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis
