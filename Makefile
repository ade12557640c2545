# make demo   estimate the bundled synthetic liver, show where the results are
# make test   ruff, mypy, pytest
# make lint   ruff and mypy only
# make fuzz   100 000 damaged DICOM scans through the reader (nightly; CASES=... for another number)
# All of them create .venv when it is missing. PYTHON and PIP_FLAGS may be set from outside.

PYTHON ?= python3
PIP_FLAGS ?=
DEMO_OUT ?= demo-output
WORKERS ?= 2
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test lint fuzz clean

demo: $(STAMP)
	$(BIN)/aideal demo --out $(DEMO_OUT)
	@echo "Maps, overview.png and statistics.csv are in $(abspath $(DEMO_OUT))"

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: $(STAMP)
	$(BIN)/python Testing/tools/dicom_fuzz.py --cases $(or $(CASES),100000)

clean:
	rm -rf build dist $(DEMO_OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(STAMP): pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[test,train]'
	@touch $(STAMP)
