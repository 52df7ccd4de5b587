# `make` alone lists the targets. On another Python: make setup PYTHON=python3.12
PYTHON ?= python3
# The environment: current, or torchtext, which is that of torchtext's last release, in .venv-torchtext.
STACK ?= current
VENV ?= .venv$(patsubst %,-%,$(filter-out current,$(STACK)))
LOCK := requirements/$(STACK).txt
BIN := $(VENV)/bin
DEMO = $(BIN)/leyden demo
# The lowest and the first too high minor version, from pyproject.toml
PYTHONS := $(shell sed -n 's/^requires-python = ">=3\.\([0-9]*\),<3\.\([0-9]*\)"$$/\1 \2/p' pyproject.toml)
HIGH := $(if $(filter torchtext,$(STACK)),13,$(lastword $(PYTHONS)))
# There, all that torchtext's torch does not decide is present in the lowest version that pyproject.toml allows.
# Without the extras `stream` and `jpeg`: litdata needs torch 2.4, TorchCodec 2.11.
LOCKING_current := --all-extras
LOCKING_torchtext := --group torchtext --resolution lowest-direct $(addprefix --extra=,vision audio text wandb beam study notebook dev)

.PHONY: help setup demo test quick check notebooks wheel lock bench
help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

-include template.mk

setup: $(VENV)/ready ## the environment, hash-pinned, in .venv; STACK=torchtext makes that of torchtext

$(VENV)/ready: $(BIN)/uv pyproject.toml $(LOCK)
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r $(LOCK)
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import ensurepip, sys, venv; low, high = map(int, "$(firstword $(PYTHONS)) $(HIGH)".split()); \
	  sys.exit(not (3, low) <= sys.version_info[:2] < (3, high))' 2>/dev/null || { echo "Needed: Python 3.$(firstword \
	  $(PYTHONS)) or later, before 3.$(HIGH), with its venv module. $(PYTHON) is" \
	  "$$($(PYTHON) --version 2>&1). Try make setup PYTHON=python3.12, or install python3-venv." >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

demo: setup ## train, test and predict on the embedded data of each domain
	$(DEMO)

SELECT = not exhaustive
test: setup ## the test suite; ARGS="-k digits" and the like go to pytest; SELECT= also takes the exhaustive tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal -m "$(SELECT)" $(ARGS)

quick: override SELECT = not slow
quick: test ## the tests without those that take seconds each: four minutes

check: setup ## ruff, ruff format and pyrefly
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python

notebooks: setup ## execute the notebooks, which stay as they are
	$(BIN)/jupyter execute notebooks/*.ipynb

wheel: setup ## the library as a wheel in dist/, with the same bytes each time
	$(BIN)/python -m hatchling build --target wheel

lock: $(BIN)/uv ## resolve requirements/current.txt anew; STACK=torchtext that of torchtext
	$(BIN)/uv pip compile --quiet pyproject.toml $(LOCKING_$(STACK)) --universal \
	  --python-version 3.$(firstword $(PYTHONS)) --generate-hashes --no-header --no-emit-index-url -o $(LOCK)

$(LOCK): # one that does not travel with the project
	$(MAKE) --no-print-directory lock STACK=$(STACK) VENV=$(VENV)

# Those that are quick, and what makes them so; `python benchmarks/NAME.py --help` tells the long form of each.
BENCH := pairs start generation padding loader scaling memory sweep loop chaos resume
SHORT := generation:--short padding:--short loader:--short scaling:--short loop:--short memory:--repeats=1 sweep:--pairs=1 chaos:--kills=5 resume:--cases=6
bench: setup ## the short form of the benchmarks in benchmarks/
	$(foreach name,$(BENCH),$(if $(wildcard benchmarks/$(name).py),echo && echo "# $(name)" && $(BIN)/python \
	  benchmarks/$(name).py $(patsubst $(name):%,%,$(filter $(name):%,$(SHORT))) &&)) true
