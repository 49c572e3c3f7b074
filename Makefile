# Doko's commands; `make help` lists them. Nothing is needed but Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SERVICES := whatsapp credit routing reminders reports orders
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-config --quiet
PYTEST := $(BIN)/python -m pytest
PARALLEL := 2

# Doko is many processes: each would compile all modules again where a machine keeps Python from storing them.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install up test test-fast test-images lint format bench soak lock clean

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make .venv with everything in it (the other commands do it by themselves)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Doko needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

up: $(INSTALLED)  ## Run everything in this terminal: Redis, gateway, workers, scheduler (PORT=3000, DATA_DIR=var)
	@$(BIN)/python -m deploy.local

test: $(INSTALLED)  ## Run every test, on real Redis, SQLite and PostgreSQL
	$(PYTEST) -n $(PARALLEL) -m "not serial and not chaos and not soak and not images"
	$(PYTEST) -m "(serial or chaos) and not soak and not images"

test-fast: $(INSTALLED)  ## Run the quick tests, in under a minute
	$(PYTEST) -n $(PARALLEL) -m "not slow and not serial and not chaos and not soak and not images"

test-images: $(INSTALLED)  ## Build every image with podman and run the compose file (Linux, as root)
	$(PYTEST) -m images tests/deploy/test_images.py

lint: $(INSTALLED)  ## Check style, types and the imports between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## Lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)  ## Measure speed next to stock Dramatiq, Bull and BullMQ; writes bench.json to the data folder
	$(BIN)/python -m tests.benchmarks

soak: $(INSTALLED)  ## Run the figures at full size: 30 s leases, a million jobs (takes long)
	SOAK=1 $(PYTEST) -m "chaos or soak" -s tests/chaos --timeout 7200
	SOAK=1 $(PYTEST) tests/integration/engine/test_model.py tests/integration/orders/test_races.py tests/integration/gateway/test_openapi_contract.py -m "" --timeout 7200

lock: $(INSTALLED)  ## Renew requirements/*.txt from pyproject.toml (UPGRADE=1: to the newest versions)
	$(LOCK) $(if $(UPGRADE),--upgrade) --extra dev --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt --extra gateway --output-file requirements/gateway.txt
	set -e; for service in $(SERVICES); do \
		$(LOCK) --constraint requirements/dev.txt --extra $$service --output-file requirements/$$service.txt; \
	done

clean:  ## Remove what the commands made, except data and logs
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
