# make demo      estimate the bundled synthetic liver; installs what that needs and no more
# make test      ruff, mypy, codespell, pytest
# make lint      ruff, mypy and codespell only
# make docs      build the documentation with its API reference into site/ (warnings are errors)
# make nightly   what takes longer than a change may wait for: damaged scans (CASES), long validation, published systems
# make silent    clean and faulty scans at random; exits with an error where a wrong number came without a word
# make chaos     kills, damaged files and hostile names at random; exits with an error where anything did not hold, and goes on
#                where it was interrupted (its cases are noted in CHAOS_OUT)
# make cohort    COHORT simulated scans on two workers, with kills throughout, against a serial run
# make clean     remove what the commands above have written, except .venv
# Each creates .venv when it is missing. PYTHON and PIP_FLAGS may be set from outside.

PYTHON ?= python3
PIP_FLAGS ?=
DEMO_OUT ?= demo-output
NIGHTLY_OUT ?= nightly-output
CASES ?= 100000
KILLS ?= 100
FILES ?= 10000
NAMES ?= 100
COHORT ?= 1000
CHAOS_OUT ?= chaos-output
CHAOS = $(BIN)/python Testing/tools/chaos.py --notes $(CHAOS_OUT)
SCANS ?= 1000
WORKERS ?= 2
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt
DEMO_STAMP := .venv/.installed-demo
STAMP := .venv/.installed-all

.PHONY: demo test lint docs fuzz silent chaos cohort nightly clean

demo: $(DEMO_STAMP)
	$(BIN)/aideal demo --out $(DEMO_OUT)
	@echo "Maps, overview.png and statistics.csv are in $(abspath $(DEMO_OUT))"

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

docs: $(STAMP)
	$(BIN)/mkdocs build --strict

fuzz: $(STAMP)
	$(BIN)/python Testing/tools/dicom_fuzz.py --cases $(CASES)

silent: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python Testing/tools/silent_errors.py --out $(NIGHTLY_OUT)/silent --clean $(SCANS) --faulty $(SCANS)

chaos: $(STAMP)
	$(CHAOS) kill-command --count $(KILLS)
	$(CHAOS) kill-worker --count $(KILLS)
	$(CHAOS) files --count $(FILES)
	$(CHAOS) names --count $(NAMES)
	$(CHAOS) busy --count 1

cohort: $(STAMP)
	$(BIN)/python Testing/tools/cohort_proof.py all --scans $(COHORT) --folder $(NIGHTLY_OUT)/cohort

nightly: fuzz silent chaos cohort
	$(BIN)/aideal validate --out $(NIGHTLY_OUT)/validation
	$(BIN)/aideal benchmark --comparators --out $(NIGHTLY_OUT)/comparators

clean:
	rm -rf build dist site $(DEMO_OUT) $(NIGHTLY_OUT) $(CHAOS_OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(DEMO_STAMP): pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e .
	@touch $@

$(STAMP): pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[test,train,docs]'
	@touch $(DEMO_STAMP) $@
