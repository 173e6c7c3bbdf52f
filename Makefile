# Everything runs in .venv, made from requirements.lock with Python 3.11 (or 3.12) and the pip that comes with it.
PYTHON ?= python3.11
BIN := .venv/bin
DEMO := .demo
PEERS := .peers

.PHONY: demo test env peers lock lint types unit format docs site bench superset superset-test clients-test superset-assets superset-lock clean

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

site: env ## the documents as a web site in site/, without a network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --config-file - < docs/site.yml

superset: .superset/.installed ## Apache Superset with three dashboards on the published warehouse (WAREHOUSE=path/to/coverage.duckdb says which)
	.superset/bin/python docs/bi/superset/serve.py $(if $(WAREHOUSE),--warehouse $(WAREHOUSE))

# Needs Debian's chromium and chromium-driver: a real browser opens the dashboards of a real Superset.
superset-test: env .superset/.installed
	$(BIN)/python -m pytest -n 0 tests/bi/test_superset.py

superset-assets: env ## the dashboards as files, from docs/bi/superset/dashboards.py
	$(BIN)/python docs/bi/superset/make_assets.py

.superset/.installed: docs/bi/superset/requirements.lock
	test -x .superset/bin/python || $(PYTHON) -m venv .superset
	.superset/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r docs/bi/superset/requirements.lock
	touch $@

# Needs Node.js: the oldest and the newest DuckDB that may read the published file, its command line, and Node's driver.
clients-test: env .clients/.installed
	$(BIN)/python -m pytest -n 0 tests/bi/test_clients.py

.clients/.installed: docs/bi/clients/oldest.lock docs/bi/clients/newest.lock docs/bi/clients/cli.lock docs/bi/clients/package-lock.json
	for client in oldest newest cli; do \
	  test -x .clients/$$client/bin/python || $(PYTHON) -m venv .clients/$$client; \
	  .clients/$$client/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r docs/bi/clients/$$client.lock || exit 1; \
	done
	cp docs/bi/clients/package.json docs/bi/clients/package-lock.json docs/bi/clients/read.mjs .clients/
	cd .clients && npm install --no-audit --no-fund --silent
	touch $@

superset-lock:
	uv pip compile docs/bi/superset/requirements.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file docs/bi/superset/requirements.lock

# The one step that needs uv (https://docs.astral.sh/uv): resolve pyproject.toml anew, hashes for every platform, no index named.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf .venv .superset .clients $(PEERS) $(DEMO) site .pytest_cache .mypy_cache .ruff_cache .hypothesis
