# Every target sets itself up: `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo test lint check bench bench-eval gpu-check clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/'

$(INSTALLED): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[dev]'
	@touch $@

install: $(INSTALLED)  ## make .venv with everything in it

demo: $(INSTALLED)  ## generate, train, evaluate and report in about six minutes on two cores
	$(BIN)/occreid demo --out demo

test: $(INSTALLED)  ## run all tests and doctests
	$(BIN)/python -m pytest -q -n $${WORKERS:-2} --dist loadfile

lint: $(INSTALLED)  ## style, types and the import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

check: lint test  ## what CI runs

bench: $(INSTALLED)  ## all benchmarks, small sizes (ratios within one run)
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/synth.py
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/evaluation.py --small
	$(BIN)/python benchmarks/serve.py batching

bench-eval: $(INSTALLED)  ## evaluation and re-ranking against their references, full size
	$(BIN)/python benchmarks/evaluation.py

gpu-check: $(INSTALLED)  ## on a machine with a GPU: all that only a GPU can show, as one table
	$(BIN)/python benchmarks/gpu_check.py $(GPU_CHECK)

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache .hypothesis
