# CineAesthete. `make run` and `make test` are all a fresh machine needs: Python >= 3.11 and make.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# the first Python that is new enough; `make PYTHON=/path/to/python3.12 run` overrides
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
RUN := .venv/bin/python
DEV := .venv-dev/bin/python

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: python-found
python-found:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer found; install one, or name it: make PYTHON=... run" >&2; exit 1; }

.PHONY: env
env: python-found ## the serving environment (.venv) and the generated contracts
	@$(PYTHON) scripts/bootstrap.py run

.PHONY: dev-env
dev-env: python-found ## the environment of tests and linters (.venv-dev)
	@$(PYTHON) scripts/bootstrap.py dev

.PHONY: train-env
train-env: python-found ## the environment that trains and exports models (.venv-train): torch and more, some gigabytes
	@$(PYTHON) scripts/bootstrap.py train

.PHONY: sentence-encoder
sentence-encoder: env train-env ## export MiniLM to ONNX, check it and publish it: `cine train` then embeds films, and wishes are ranked by it
	@.venv-train/bin/python scripts/export_sentence_encoder.py $(ARGS) \
		--var-dir "$$($(RUN) -c 'from cine_cli.mesh.options import MeshSettings; print(MeshSettings().var_dir)')"

.PHONY: run
run: env ## prepare data and model if needed, start the whole mesh, wait until it is healthy
	@$(RUN) -m cine_cli up

.PHONY: stop
stop: ## stop the mesh
	@if test -x $(RUN); then $(RUN) -m cine_cli stop; else echo "nothing to stop"; fi

.PHONY: status
status: env ## say what runs
	@$(RUN) -m cine_cli status

.PHONY: setup
setup: env ## the wizard: check data, preprocess, train, start
	@$(RUN) -m cine_cli setup

.PHONY: test
test: dev-env ## all tests
	@$(DEV) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: lint
lint: dev-env ## ruff, mypy --strict, buf lint and breaking, house rules
	@PYTHON=$(DEV) sh scripts/lint.sh

.PHONY: format
format: dev-env ## let ruff put the code in order
	@$(DEV) -m ruff check --fix-only -q .
	@$(DEV) -m ruff format -q .

.PHONY: bench
bench: dev-env ## CineMatch and search through Envoy against an RPC that computes nothing; ratios, RSS, start-up
	@$(DEV) -m tests.load.bench

.PHONY: bench-recommendations
bench-recommendations: env dev-env ## personal recommendations for 1,000 people through Envoy, with answers kept and without, against an RPC that computes nothing
	@$(DEV) -m tests.load.recommendations

.PHONY: bench-identity
bench-identity: env dev-env ## 100 parallel sign-ins beside catalogue calls: its p99, and how soon the surplus is told
	@$(DEV) -m tests.load.identity_load

.PHONY: bench-timing
bench-timing: dev-env ## whether the time of an answer tells who has an account: AUC over 400 tries each (12 minutes)
	@$(DEV) -m tests.load.timing

.PHONY: bench-writes
bench-writes: env dev-env ## rating and adding to a watchlist at 100 writes a second through Envoy, on SQLite and PostgreSQL
	@$(DEV) -m tests.load.writes

.PHONY: bench-import
bench-import: dev-env ## import of 5,000 rows: how many are matched, how many wrongly, how long it takes (wants CINE_DATA_DIR)
	@$(DEV) -m tests.load.import_load

.PHONY: bench-scale
bench-scale: dev-env ## the hybrid trained on a log of MovieLens 32M's shape, time and memory of each step (half an hour; SHARE=0.01 for less)
	@$(DEV) -m tests.load.scale --share $(or $(SHARE),1) $(ARGS)

.PHONY: chaos-histories
chaos-histories: dev-env ## 50,000 concurrent calls on ratings and watchlists, checked for linearizability (add ARGS="--kills 200")
	@$(DEV) -m tests.chaos.histories $(ARGS)

.PHONY: chaos-feed
chaos-feed: dev-env ## 100,000 events of Ratings, producer and followers killed 100 times, one in twenty delivered twice: every copy is whole
	@$(DEV) -m tests.chaos.feed $(ARGS)

.PHONY: chaos-refusals
chaos-refusals: dev-env ## 10,000 people send feedback while they read: no answer shows what its reader has seen or refused
	@$(DEV) -m tests.chaos.refusals $(ARGS)

.PHONY: relevance
relevance: dev-env ## MRR@10 of the search suite and of tot-dev
	@$(DEV) -m tests.load.relevance

.PHONY: wishes
wishes: dev-env ## how often a wish in plain words finds the film that is meant, by the static encoder alone and re-ranked
	@$(DEV) -m tests.load.wishes $(ARGS)

.PHONY: fuzz
fuzz: dev-env ## generated requests to every REST call of the running mesh
	@sh scripts/fuzz_api.sh

.PHONY: lock
lock: dev-env ## compile the locked requirement files
	@$(DEV) scripts/lock.py

.PHONY: clean
clean: stop ## remove what was made: environments, stubs, state
	rm -rf .venv .venv-dev shared/contracts var build
