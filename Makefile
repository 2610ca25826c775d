# Two commands do all the set-up: make demo, make test.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: demo test test-slow test-oldest test-models lint format types docs bench bench-evals gate-rates clean

demo: $(VENV)/.runtime   ## walk the main job in a throw-away repository: no key, no network
	@PATH="$(abspath $(BIN)):$$PATH" bash docs/demo.sh

test: $(VENV)/.dev       ## all tests but the slow ones
	$(BIN)/python -m pytest -n auto -m "not slow"

test-slow: $(VENV)/.dev  ## soak and fault tests
	$(BIN)/python -m pytest -n auto -m slow

test-oldest:             ## all tests on the oldest dependencies that pyproject.toml allows
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/pip install --quiet --editable '.[dev]' --constraint tests/oldest.txt
	.venv-oldest/bin/python -m pytest -n auto -m "not slow"

test-models:             ## the tests that need torch, in a venv of their own
	$(PYTHON) -m venv .venv-models
	.venv-models/bin/pip install --quiet --editable '.[bertscore]' torch==2.13.0 pytest hypothesis
	.venv-models/bin/python -m pytest tests/evals/scorers/test_bertscore.py

lint: $(VENV)/.dev       ## linters, import laws, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.dev     ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev       ## write the generated pages anew
	$(BIN)/python -m docs.generate

bench: $(VENV)/.dev      ## the figures of the runtime, as ratios in one run
	$(BIN)/python -m benchmarks.run

bench-evals: $(VENV)/.dev ## runs of an eval beside bare loops, promptfoo and DeepEval (installs both: 1.4 GB)
	$(BIN)/python -m benchmarks.evals

gate-rates: $(VENV)/.dev ## how often the gate is wrong either way, by simulation; minutes
	$(BIN)/python -m benchmarks.gate_rates

$(VENV)/.runtime: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

clean:                   ## remove what the other targets made
	rm -rf $(VENV) .venv-oldest .venv-models .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
