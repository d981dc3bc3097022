# Every verb of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2

# Without compiled bytecode every import is three times slower; a stray user-site or PYTHONPATH breaks reproducibility.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export PYTHONNOUSERSITE := 1
# uv does not read pip's configuration: hand over the index a machine was configured with, if any.
UV_INDEX := $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)
ifneq ($(UV_INDEX),)
export UV_DEFAULT_INDEX ?= $(UV_INDEX)
endif

.PHONY: help
help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Fix: make PYTHON=/path/to/python3.11 ..."; exit 2; }
	@echo "Setting up .venv from requirements.lock (once, about a minute) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/analysis.pth"
	@touch $@

.PHONY: setup
setup: $(READY)  ## create .venv from the lock (every other verb does it when needed)

.PHONY: lock
lock: $(READY)  ## resolve pyproject.toml again into requirements.lock (versions and hashes, no addresses)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.lock
