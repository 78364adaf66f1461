# Two commands: `make demo` shows what revml does, `make test` proves it. Both set everything up by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WORKERS ?= 2

.PHONY: help setup demo test test-all test-spark test-dask lint lock clean bench-features bench-models bench-clv bench-clv-orders bench-service bench-scale

help:
	@echo "make demo      set up, build a sample company, train, score, explain, forecast, serve  (DEMO='--no-serve' ends instead)"
	@echo "make test      set up, lint, types, layers, tests and doctests"
	@echo "make test-all  the slow and the browser tests too (needs chromium)"
	@echo "make test-spark  the tests on Spark; installs pyspark (400 MB) beside the rest, needs a Java 17 or 21"
	@echo "make test-dask  the tests on Dask; installs it beside the rest"
	@echo "make lock      resolve requirements.lock anew from pyproject.toml"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] < (3, 14); print("Python", sys.version.split()[0]); sys.exit(not ok)' \
	  || { echo "revml needs Python 3.11 to 3.13. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv here (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Installing the pinned packages (about 400 MB to download the first time) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m revml.explanations.warm
	@touch $(READY)
	@echo "Ready: $$($(BIN)/revml --version)"

demo: setup
	@$(BIN)/revml demo demo $(DEMO)

lint: setup
	@echo "ruff, format, types, layers ..."
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not slow and not browser"
	@echo
	@echo "All green. Next: 'make demo' to see it work, 'make test-all' for the slow and the browser tests."

test-all: lint
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

# Spark is large and needs Java, so it stands apart from the rest.
test-spark: setup
	@command -v java >/dev/null || { echo "Java is missing (on Debian and Ubuntu: apt install openjdk-17-jre-headless)"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements-spark.lock
	@$(BIN)/python -m pytest -q tests/features/engines/test_spark.py tests/test_elsewhere_spark.py

# Dask is for more than one machine, so it stands apart too.
test-dask: setup
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r requirements-dask.lock
	@$(BIN)/python -m pytest -q tests/test_elsewhere_dask.py

lock: setup
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --no-header --quiet --upgrade -o requirements.lock
	@$(BIN)/uv pip compile --group pyproject.toml:spark --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --no-header --quiet --upgrade -o requirements-spark.lock
	@$(BIN)/uv pip compile --group pyproject.toml:dask -c requirements.lock --universal --generate-hashes --no-emit-index-url \
	  --python-version 3.11 --no-header --quiet --upgrade -o requirements-dask.lock
	@echo "requirements.lock is new. Next: make test"

clean:
	rm -rf demo dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

bench-features bench-models bench-clv bench-service bench-scale: setup
	@$(BIN)/python benchmarks/$(subst -,_,$@).py

# How well repeat orders are forecast, on real shops.
bench-clv-orders: setup
	@$(BIN)/python benchmarks/clv_order_marks.py
