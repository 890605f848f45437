# Two commands set everything up from nothing: `make demo` and `make test`. `make help` lists the others.

BIN := .venv/bin
READY := .venv/ready
SEEDS ?= 2000
FIRST ?= 0
N ?= 1000
WORKERS ?= auto
OUT ?= out/demo

# numba re-compiles a cached kernel when its own file changes, not when a kernel it calls does. So the cache has
# the sum of all compiled sources in its name, and a change anywhere starts a fresh one.
KERNEL_SUM := $(shell grep -rlE 'njit|vectorize' src --include='*.py' 2>/dev/null | LC_ALL=C sort | xargs cat | cksum | cut -d' ' -f1)
export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba/$(KERNEL_SUM)

RUNS ?= 100000
CASES ?= 1000000

.PHONY: help demo test pytest lint check storm kills flips determinism night fuzz bench docs lock setup clean
.DEFAULT_GOAL := help

help:
	@echo "make demo            a crash in the lab: 10,000 accounts, one bad day; the report goes to $(OUT)"
	@echo "make test            lint, types, floors, then every test"
	@echo "make check           lint, types, floors and tidiness only (seconds)"
	@echo "make storm SEEDS=N   N random worlds with faults and crashes inside, from FIRST=$(FIRST) (now $(SEEDS))"
	@echo "make kills N=N       kill -9 a writer of one journal N times; nothing acknowledged may be lost (now $(N))"
	@echo "make flips           every byte of a small journal flipped in turn: found, or proved unused"
	@echo "make determinism     one violent hour under every interpreter, CPU setting, thread count and batch split"
	@echo "make night CASES=N   the integer kernels against Python's integers, N cases each (now $(CASES))"
	@echo "make fuzz RUNS=N     N damaged inputs to every reader (now $(RUNS)); TARGET=name: one, guided by atheris"
	@echo "make bench           the benchmarks, with this machine's numbers"
	@echo "make docs            the documentation as a site, in site/"
	@echo "make lock            resolve requirements.lock again (needs uv)"
	@echo "make clean           remove everything these commands made, .venv too"

setup: $(READY)

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh

demo: $(READY)
	@$(BIN)/seawall simulate harbor --out $(OUT) --force

# The tests run even when lint has something to say, so that one run shows everything; either one fails it.
test: $(READY)
	@lint=0; $(MAKE) --no-print-directory lint || lint=1; \
	tests=0; $(MAKE) --no-print-directory pytest || tests=1; \
	exit $$((lint | tests))

pytest: $(READY)
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 </dev/null

lint: $(READY)
	@mkdir -p .cache; status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	$(BIN)/mypy --no-error-summary || status=1; \
	$(BIN)/lint-imports --no-logo >.cache/floors.log 2>&1 || { status=1; cat .cache/floors.log; }; \
	if [ $$status = 0 ]; then echo "lint: clean"; else echo "lint: FAILED, see above"; fi; exit $$status

check: $(READY)
	@$(BIN)/python -m tools.tidy
	@$(MAKE) --no-print-directory lint

storm: $(READY)
	@STORM_SEEDS=$(SEEDS) STORM_FIRST=$(FIRST) $(BIN)/python -m pytest tests/storms -n $(WORKERS) --maxprocesses 4

kills: $(READY)
	@$(BIN)/python -m tests.journal.kills $(N)

flips: $(READY)
	@$(BIN)/python -m tests.journal.flips

determinism: $(READY)
	@$(BIN)/python -m tests.determinism.run

night: $(READY)
	@INTEGER_CASES=$(CASES) HYPOTHESIS_PROFILE=night $(BIN)/python -m pytest tests/kernels -n $(WORKERS) --maxprocesses 4

# Seeded mutations need nothing more; a TARGET is fuzzed by coverage, for which atheris is fetched beside .venv.
fuzz: $(READY)
ifdef TARGET
	@$(BIN)/python -m pip install -q --only-binary :all: --target .cache/atheris --no-deps "atheris>=3.0"
	@PYTHONPATH=.cache/atheris $(BIN)/python -m tests.fuzz.run $(TARGET) --runs $(RUNS) --guided
else
	@$(BIN)/python -m tests.fuzz.run --runs $(RUNS) --keep-going
endif

bench: $(READY)
	@$(BIN)/python -m benchmarks.run

docs: $(READY)
	@$(BIN)/python -m pip install -q --only-binary :all: --require-hashes -r requirements-docs.lock
	@$(BIN)/zensical build --clean

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --no-config --quiet --upgrade
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	@mkdir -p .cache
	@$(LOCK) --extra dev --output-file .cache/main.lock
	@{ echo "# Every runtime and development dependency, with hashes, for Python 3.11 and later on Linux and macOS."; \
	   echo "# Written by: make lock"; cat .cache/main.lock; } > requirements.lock
	@$(LOCK) --extra docs --constraint requirements.lock --output-file .cache/docs.lock
	@{ echo "# What make docs needs on top of requirements.lock, agreeing with it. Written by: make lock"; \
	   cat .cache/docs.lock; } > requirements-docs.lock

clean:
	rm -rf .venv .venv.log .cache .ruff_cache .mypy_cache .pytest_cache .import_linter_cache .hypothesis out site dist
	find src tests tools benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
