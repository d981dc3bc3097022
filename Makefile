# Every verb of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA := $(VENV)/.data

# Without compiled bytecode every import is three times slower; a stray user site or PYTHONPATH breaks reproducibility.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export PYTHONNOUSERSITE := 1
# Work is spread over processes; threads inside each would wait for one another (a structural model: twenty times slower).
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: help
help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: dataset
dataset: $(READY)  ## bring your own table: FILE=path.csv [NAME=my_table SHEET= TABLE=]
	@test -n "$(FILE)" || { echo "Name a file: make dataset FILE=path/to/table.csv"; exit 2; }
	@$(BIN)/python -m analysis.cli dataset "$(FILE)" $(if $(NAME),--name "$(NAME)") $(if $(SHEET),--sheet "$(SHEET)") $(if $(TABLE),--table "$(TABLE)")

.PHONY: study
study: $(READY)  ## start a study: DESIGN=group_time DATASET=castle NAME=my-study [OUTCOME=column]
	@test -n "$(DESIGN)" -a -n "$(DATASET)" -a -n "$(NAME)" || { echo "Say what: make study DESIGN=<make choose names one> DATASET=<a folder of data/raw> NAME=<a new name>"; exit 2; }
	@$(BIN)/python -m analysis.cli study "$(DESIGN)" "$(DATASET)" "$(NAME)" $(if $(OUTCOME),--outcome "$(OUTCOME)")

.PHONY: schema
schema: $(READY)  ## write the schemas by which editors check parameter files
	@$(BIN)/python -m analysis.cli schema

.PHONY: report
report: $(READY)  ## publish one report: STUDY=medicaid-expansion, or PARAMS=path/to/file.yml; SET="until=2008" makes a variant
	@test -n "$(STUDY)$(PARAMS)" || { echo "Name a study: make report STUDY=<one of: $(basename $(notdir $(filter-out $(wildcard params/sweeps/*.yml),$(wildcard params/*/*.yml))))>"; exit 2; }
	@$(BIN)/python -m analysis.cli report $(if $(PARAMS),--params "$(PARAMS)","$(STUDY)") --set "$${SET:-}"

.PHONY: reports
reports: $(DATA)  ## publish the report of every parameter file
	@$(BIN)/python -m analysis.cli reports

.PHONY: params
params: $(READY)  ## check every parameter file (or PARAMS=path) without running anything
	@$(BIN)/python -m analysis.cli check-params $(PARAMS)

.PHONY: data
data: $(READY)  ## fetch the declared datasets, verify them, make them read-only
	@$(BIN)/python -m analysis.cli data
	@touch $(DATA)

.PHONY: choose
choose: $(READY)  ## which design fits? a few questions, or ANSWERS="dates same few"
	@$(BIN)/python -m analysis.cli choose $(ANSWERS)

.PHONY: sweep
sweep: $(DATA)  ## run every defensible choice and publish the curve: SWEEP=castle-doctrine-choices [WORKERS=2]
	@test -n "$(SWEEP)" || { echo "Name a sweep: make sweep SWEEP=<one of: $(basename $(notdir $(wildcard params/sweeps/*.yml)))>"; exit 2; }
	@$(BIN)/python -m analysis.cli sweep "$(SWEEP)" --workers $(WORKERS)

.PHONY: draft
draft: $(DATA)  ## the whole report on permuted outcomes, to be read before any result: STUDY=x
	@test -n "$(STUDY)" || { echo 'Name a study: make draft STUDY=<study>'; exit 2; }
	@$(BIN)/python -m analysis.cli draft "$(STUDY)"

.PHONY: plan
plan: $(READY)  ## freeze the analysis plan of a study: STUDY=x [REASON="why it changes"]
	@test -n "$(STUDY)" || { echo 'Name a study: make plan STUDY=<study>'; exit 2; }
	@$(BIN)/python -m analysis.cli plan "$(STUDY)" --reason "$${REASON:-}"

.PHONY: compare
compare: $(READY)  ## what changed between two versions: STUDY=castle-doctrine [FROM=2026-11-22 TO=latest]
	@test -n "$(STUDY)" || { echo "Name a study: make compare STUDY=castle-doctrine"; exit 2; }
	@$(BIN)/python -m analysis.cli compare "$(STUDY)" $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)")

.PHONY: verify
verify: $(DATA)  ## run published notebooks again, do the numbers come out? [STUDY=x] [RELEASED=1]
	@$(BIN)/python -m analysis.cli verify $(if $(STUDY),"$(STUDY)") $(if $(RELEASED),--released)

.PHONY: review
review: $(READY)  ## checklist for a reviewer: STUDY=x; then DECISION=approve|request_changes BY="Name" NOTE="why"
	@test -n "$(STUDY)" || { echo 'Name a study: make review STUDY=<study>'; exit 2; }
	@$(BIN)/python -m analysis.cli review "$(STUDY)" $(if $(VERSION),--version "$(VERSION)") $(if $(DECISION),--decision "$(DECISION)") --by "$${BY:-}" --note "$${NOTE:-}"

.PHONY: disclosure
disclosure: $(READY)  ## what stands against releasing a study: STUDY=x [PRESET=opensafely] [VERSION=2026-11-22]
	@test -n "$(STUDY)" || { echo "Name a study: make disclosure STUDY=class-size"; exit 2; }
	@$(BIN)/python -m analysis.cli disclosure "$(STUDY)" $(if $(PRESET),--preset "$(PRESET)") $(if $(VERSION),--version "$(VERSION)")

.PHONY: release
release: $(DATA)  ## release what somebody else approved: STUDY=x BY="Name" NOTE="what was asked for"
	@test -n "$(STUDY)" || { echo 'Name a study: make release STUDY=<study> BY="Name" NOTE="what was asked for"'; exit 2; }
	@$(BIN)/python -m analysis.cli release "$(STUDY)" $(if $(VERSION),--version "$(VERSION)") --by "$${BY:-}" --note "$${NOTE:-}"

.PHONY: withdraw
withdraw: $(READY)  ## mark a version as withdrawn, deleting nothing: STUDY=x BY="Name" NOTE="the reason"
	@test -n "$(STUDY)" || { echo 'Name a study: make withdraw STUDY=<study> BY="Name" NOTE="the reason"'; exit 2; }
	@$(BIN)/python -m analysis.cli withdraw "$(STUDY)" $(if $(VERSION),--version "$(VERSION)") --by "$${BY:-}" --note "$${NOTE:-}"

.PHONY: index
index: $(READY)  ## write the catalogue, the feed and the table of all results; marks reports that are stale
	@$(BIN)/python -m analysis.cli index

.PHONY: lab
lab: $(DATA)  ## open JupyterLab on its start page; its kernel imports this checkout's src
	@$(BIN)/python -m analysis.cli lab

.PHONY: notebook
notebook: $(DATA)  ## check a source notebook: style, runs, which published numbers would move: NAME=x [STUDY=y]
	@test -n "$(NAME)" || { echo "Name a notebook: make notebook NAME=<one of: $(basename $(notdir $(wildcard notebooks/*.ipynb)))>"; exit 2; }
	@$(BIN)/python -m analysis.cli notebook "$(NAME)" $(if $(STUDY),--study "$(STUDY)")

.PHONY: pdf
pdf: $(READY)  ## a published report as PDF, in reports/.pdf: STUDY=x [VERSION=latest, released, a date or a key]
	@test -n "$(STUDY)" || { echo "Name a study: make pdf STUDY=<name>"; exit 2; }
	@$(BIN)/python -m analysis.cli pdf "$(STUDY)" $(if $(VERSION),--version "$(VERSION)")

.PHONY: diffs
diffs: $(READY)  ## let git compare and merge notebooks cell by cell in this checkout (nbdime)
	@$(BIN)/python -m analysis.cli notebook-diffs

.PHONY: tidy
tidy: $(READY)  ## format the code and clear the outputs of source notebooks, ready to commit
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .
	@$(BIN)/jupyter nbconvert --log-level=ERROR --clear-output --inplace notebooks/*.ipynb

.PHONY: test
test: check unit published  ## everything that must hold: check, unit tests, published notebooks

.PHONY: check
check: $(READY)  ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

.PHONY: unit
unit: $(DATA)  ## the tests in tests/
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

.PHONY: published
published: $(DATA)  ## run the latest published notebook of every study again and compare every output (nbval)
	@$(BIN)/python -m pytest -p no:randomly -n $(WORKERS) --dist loadscope --nbval --rootdir=. $$($(BIN)/python -m analysis.cli latest)

.PHONY: deviations
deviations: $(DATA)  ## print the worst deviation from every reference implementation
	@$(BIN)/python -m pytest --deviations $$(grep -l "^from deviations" tests/test_*.py)

.PHONY: simulate
simulate: $(DATA)  ## size of tests and coverage of every interval, as one table, then the slow tests (about an hour)
	@$(BIN)/python -m benchmarks.simulation
	@$(BIN)/python -m pytest -m slow -n $(WORKERS)

.PHONY: benchmark
benchmark: $(DATA)  ## speed and memory beside other packages, as ratios (about half an hour)
	@test benchmarks/.peers-venv/.ready -nt benchmarks/peers.txt || { \
		rm -rf benchmarks/.peers-venv && \
		$(BIN)/uv venv --quiet benchmarks/.peers-venv --python $(BIN)/python && \
		$(BIN)/uv pip install --quiet --python benchmarks/.peers-venv/bin/python --compile-bytecode -r benchmarks/peers.txt && \
		touch benchmarks/.peers-venv/.ready; }
	@$(BIN)/python -m benchmarks

.PHONY: lock
lock: $(READY)  ## resolve pyproject.toml again into requirements.lock (versions and hashes, no addresses)
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.lock

.PHONY: clean
clean:  ## remove what can be made again; never data/raw or published reports
	@$(BIN)/python -m analysis.cli notebook-diffs --off >/dev/null 2>&1 || true
	@rm -rf reports/.failed reports/.staging reports/.drafts reports/.compare reports/.pdf $(VENV) .pytest_cache .mypy_cache .ruff_cache benchmarks/.peers-venv build
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
	@find data/processed -type f ! -name README.md -delete

.PHONY: setup
setup: $(READY)  ## create .venv from the lock (every other verb does it when needed)

# uv does not read pip's configuration: it is handed the index that pip was given, if any.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed and $(PYTHON) is older. Fix: make PYTHON=/path/to/python3.11 ..."; exit 2; }
	@lock="$$($(PYTHON) -c 'import hashlib; print(hashlib.sha256(open("requirements.lock", "rb").read()).hexdigest())') $(CURDIR)"; \
	if [ "$$(cat $@ 2>/dev/null)" = "$$lock" ]; then touch $@; exit 0; fi; \
	set -e; \
	echo "Setting up .venv from requirements.lock (once, about a minute) ..."; \
	rm -rf $(VENV); \
	$(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check "uv==$$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)"; \
	index="$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)"; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock; \
	echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/analysis.pth"; \
	echo "$$lock" > $@

$(DATA): $(READY) $(wildcard data/raw/*/source.yml)
	@$(BIN)/python -m analysis.cli data --fetched-only >/dev/null
	@touch $@
