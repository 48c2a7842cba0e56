# Everything a person does with the project; needs Python 3.11 or newer and make, nothing else.
#   make run [SOURCE=...] [MONTHS=2020-01:2021-03] [WORKERS=2]    the whole pipeline
#   make setup TORCH_INDEX=ADDRESS    install, with torch from that index: the build for CPUs
#   make wheels TORCH_INDEX=ADDRESS [WHEELS=wheels]    a folder of all that is installed, for a machine without a network
#   make setup WHEELS=wheels          install from that folder, and ask no network
#   make setup-cluster    install what runs on several hosts need, too (docs/operations.md)
#   make ui        Dagster's UI on http://127.0.0.1:3000
#   make test      the tests        make lint      formatter, linter, type checker, import contracts

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

ifdef SOURCE
export CUSTOMS_SOURCE := $(SOURCE)
endif

# Where packages are installed from: a folder of wheels alone, where there is one; else an index.
FROM := $(if $(WHEELS),--no-index --find-links $(WHEELS))

.PHONY: setup setup-dev setup-cluster wheels run ui test lint format lock clean

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev
setup-cluster: $(VENV)/.installed-cluster

$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(PIP) install --quiet --no-deps --index-url $(TORCH_INDEX) "$$(grep '^torch==' requirements.lock)")
	$(PIP) install --quiet $(FROM) -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) install --quiet -r requirements.lock -r requirements-dev.lock
	touch $@

# Every locked package as a wheel, torch in its build for CPUs; what has no wheel is built here. Made on a machine with the system and
# the Python of the one that it is for.
wheels: TO := $(or $(WHEELS),wheels)
wheels:
	@test -n "$(TORCH_INDEX)" || { echo "name the index with torch's builds for CPUs: make wheels TORCH_INDEX=ADDRESS" >&2; exit 2; }
	@test ! -e "$(TO)" || { echo "$(TO) is there already: delete it, or name another folder (WHEELS=...)" >&2; exit 2; }
	mkdir -p $(TO)
	$(PYTHON) -m pip download --quiet --no-deps --only-binary :all: --dest $(TO) --index-url $(TORCH_INDEX) "$$(grep '^torch==' requirements.lock)"
	grep -v '^torch==' requirements.lock > $(TO)/others.txt
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir $(TO) -r $(TO)/others.txt
	rm $(TO)/others.txt && cd $(TO) && sha256sum *.whl > SHA256SUMS

$(VENV)/.installed-cluster: $(VENV)/.installed requirements-cluster.lock
	$(PIP) install --quiet -r requirements.lock -r requirements-cluster.lock
	touch $@

run: setup
	$(BIN)/customs run $(if $(MONTHS),--months $(MONTHS)) $(if $(WORKERS),--workers $(WORKERS))

ui: setup
	$(BIN)/customs ui

test: setup-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Write all lock files anew from pyproject.toml, in an environment of its own.
lock:
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/pip install --quiet "setuptools>=77" .
	(echo "# What the pipeline runs on, pinned: make lock writes this file, make setup installs it."; \
	 .lock/bin/pip freeze --all --exclude pip --exclude customs_assets | sed 's/+cpu//') > requirements.lock
	.lock/bin/pip install --quiet ".[dev]"
	(echo "# What tests, benchmarks and linters need beside it, pinned: make lock writes this file."; \
	 .lock/bin/pip freeze --exclude customs_assets | sed 's/+cpu//' | grep -vxFf requirements.lock) > requirements-dev.lock
	.lock/bin/pip install --quiet ".[cluster]"
	(echo "# What a Ray cluster needs beside requirements.lock, pinned: make lock writes this file, make setup-cluster installs it."; \
	 .lock/bin/pip freeze --exclude customs_assets | sed 's/+cpu//' | grep -vxFf requirements.lock | \
	 grep -vxFf requirements-dev.lock) > requirements-cluster.lock
	rm -rf .lock build

clean:
	rm -rf $(VENV) .dagster .pytest_cache .ruff_cache .hypothesis build *.egg-info
