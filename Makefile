# What a newcomer types: make report, make test. Everything else is for who works on zorgpad.
# Needs Python 3.11 or newer and make; all other things come into .venv, with the versions and hashes of requirements.lock.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env report test exactness bench-report bench-explore bench-disclosure two-releases kills bundle-check lint coverage-simulation support-simulation backcast lock clean

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
SAMPLE := data/een10voordejeugd
WORKERS ?= 2
LOCK_TOOL := uv

help: ## show this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: .venv/ready ## make the environment in .venv, or bring it up to date

# A changed lock builds the environment anew, so that nothing of the old one stays behind.
.venv/locked: requirements.lock
	@python=$$(sh .ci/find_python) && \
	echo "Making the environment with $$($$python --version); this takes some minutes the first time." && \
	$$python -m venv --clear .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

.venv/ready: .venv/locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/jupyter kernelspec install --log-level ERROR --sys-prefix --name zorgpad analysis/zorgpad/batch/kernelspec
	@touch $@

report: env $(SAMPLE)/meta.json ## make the sample region and the reports of all its gemeenten
	@$(BIN)/zorgpad report --register $(SAMPLE) --region een10voordejeugd --workers $(WORKERS)

# meta.json is written last, with the whole folder put in place at once: where it is, the sample is whole.
$(SAMPLE)/meta.json: | .venv/ready
	@$(BIN)/zorgpad sample --region een10voordejeugd --seed 1 --out $(SAMPLE)

test: env ## run the tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

exactness: env ## compare 3,000 random children with a day-by-day brute force (docs/exactness.md)
	@$(BIN)/python tests/benchmarks/exactness.py

bench-report: env ## compare zorgpad report with the commands papermill and nbconvert (docs/engine.md)
	@$(BIN)/python tests/benchmarks/bench_report.py

bench-explore: env $(SAMPLE)/meta.json ## measure how long verkennen takes to answer each control (docs/figures.md)
	@$(BIN)/python tests/benchmarks/bench_explore.py $(SAMPLE)
	@$(BIN)/python tests/benchmarks/bench_explore.py $(SAMPLE) --lab

bench-disclosure: env ## measure protecting and attacking a table of 11 x 32 with its margins (docs/disclosure.md)
	@$(BIN)/python tests/benchmarks/bench_disclosure.py

two-releases: env ## make two reports of the sample as if its children were real, and lay one over the other (docs/disclosure.md)
	@$(BIN)/python tests/benchmarks/two_releases.py

kills: env ## kill 530 batches at random moments and count what is half, lost or left (docs/engine.md)
	@$(BIN)/python tests/benchmarks/kills.py

bundle-check: env ## make the archive for offline machines, install it without index or network, make a report with it
	@sh .ci/bundle_check

lint: env ## check style, types, the notebooks and environment.yml
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/nbstripout --verify notebooks/*.ipynb
	@$(BIN)/python .ci/environment_yml.py --check

coverage-simulation: env ## try in simulated regions how often the 95% limits hold the truth (docs/coverage.md)
	@$(BIN)/python tests/benchmarks/coverage.py

support-simulation: env ## try how often the limits of support before a breakdown hold the truth (docs/questions.md)
	@$(BIN)/python tests/benchmarks/support.py 150 500

backcast: env ## try in 200 simulated regions how often a projection holds what happened (docs/questions.md)
	@$(BIN)/python tests/benchmarks/backcast.py 200 1500 10000

lock: ## resolve the dependencies of pyproject.toml anew into requirements.lock (needs uv)
	$(LOCK_TOOL) pip compile pyproject.toml --extra cluster --extra pdf --extra test --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock

environment.yml: .venv/ready pyproject.toml ## write environment.yml (conda) from pyproject.toml
	@$(BIN)/python .ci/environment_yml.py

clean: ## remove the environment, the sample and caches; reports stay
	rm -rf .venv data/een10voordejeugd build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
