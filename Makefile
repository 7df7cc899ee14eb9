# baseops: `make rehearse` needs python3 and make alone; everything else is set up on the way.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
# Two workers; a file's tests stay together so that its fixtures are made once.
TEST_ARGS ?= -n 2 --dist loadfile
DECLARATION ?= examples/acme/baseops.yaml
# Damaged journals: 12 × as many.
FUZZ_CASES ?= 85000
# Damaged images: 5 × as many.
FUZZ_IMAGES ?= 4000
export BASEOPS_JUDGES ?= .judges

.PHONY: help rehearse setup setup-dev judges packages test test-slow fuzz bench clean distclean \
	check check-format check-lint check-types check-imports check-docs format
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

rehearse: setup ## the main job on examples/acme, in a local AWS account
	$(BIN)/baseops rehearse -f $(DECLARATION)

setup: $(VENV)/.stamp ## .venv with baseops and its sandbox
setup-dev: $(VENV)/.stamp-dev ## and with what the tests and linters need

$(BIN)/python:
	tools/venv.sh $(PYTHON) $(VENV)

# The build backend comes from the constraints too, hence no build isolation.
$(VENV)/.stamp: pyproject.toml constraints.txt src/baseops/_version.py | $(BIN)/python
	@echo "setting up $(VENV)" >&2
	@$(PIP) install -c constraints.txt pip hatchling editables
	@$(PIP) install -c constraints.txt --no-build-isolation --editable '.[sandbox,evidence,fast,page,query,rotation,snapshots]'
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp
	@$(PIP) install -c constraints.txt --group dev
	@touch $@

judges: ## an environment for each judge, in .judges
	@tools/judges.sh

packages: ## the Debian packages that some tests ask for, where they may be installed
	@tools/packages.sh

test: setup-dev judges packages ## everything that is quick
	$(PYTEST) $(TEST_ARGS) -m "not slow" $(ARGS)

test-slow: setup-dev judges packages ## the rest
	$(PYTEST) $(TEST_ARGS) -m slow $(ARGS)

fuzz: setup-dev ## the property tests, with many more examples, a million damaged journals, 20,000 damaged images
	$(PYTEST) $(TEST_ARGS) -m hypothesis --hypothesis-profile=fuzz $(ARGS)
	BASEOPS_FUZZ_CASES=$(FUZZ_CASES) BASEOPS_FUZZ_IMAGES=$(FUZZ_IMAGES) $(PYTEST) $(TEST_ARGS) -k "any_damage" tests/snapshots $(ARGS)

check: check-format check-lint check-types check-imports check-docs ## format, lint, types, import contracts, docs; -k for all

check-format: setup-dev
	$(BIN)/ruff format --check .

check-lint: setup-dev
	$(BIN)/ruff check .

check-types: setup-dev
	$(BIN)/mypy

check-imports: setup-dev
	$(BIN)/lint-imports --no-logo

check-docs: setup-dev
	$(BIN)/python tools/check_docs.py
	$(BIN)/python tools/reference.py --check

format: setup-dev ## rewrite the files as `make check` wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-dev ## the figures of docs/performance.md
	@set -e; for script in $$(grep -l __main__ bench/*.py); do echo "== $$script"; $(BIN)/python $$script; done

clean: ## remove caches and builds
	rm -rf build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## and the environments
	rm -rf $(VENV) .judges
