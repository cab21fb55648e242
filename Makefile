# Everything that is done every day. `make help` prints this list.
#
# An environment is made anew when the list of packages that it is made from changes, and only then.

PYTHON ?= python3
DATA ?= .unsecret
PORT ?= 8443
TESTS ?= tests
ROUNDS ?= 50
CALLS ?= 20000
CONNECTIONS ?= 10000
MINUTES ?= 30
BENCH ?=

VENV := .venv
BIN := $(VENV)/bin
CLIENTS := .venv-strangers
AZ := .venv-az
NODE := .node-strangers
PEERS := .venv-bench
NODE_PEERS := .node-bench
PROWLER := .venv-prowler

PIP_FLAGS := --quiet --disable-pip-version-check --require-hashes
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench fuzz kill hostile soak strangers prowler witnesses format docs lock upgrade audit clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## start the tenant with a sample organisation (DATA=.unsecret PORT=8443)
	@$(BIN)/unsecret up --data $(DATA) --port $(PORT) --sample

test: export PYTHONDONTWRITEBYTECODE = # else every worker and every server of a test compiles everything anew
test: $(VENV)/.tests-installed ## run the tests (TESTS=tests/rules for some of them)
	@$(BIN)/pytest -rs -n auto --dist loadfile --no-loadscope-reorder -m "not prowler" $(TESTS)

check: $(VENV)/.tests-installed ## lint, format, types, import rules, documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/ty check
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pytest tests/test_repository.py tests/cli/test_reference.py tests/tenant/test_served_page.py \
		tests/tenant/test_errors_page.py tests/tenant/test_parity_page.py tests/operate/test_snapshot_page.py

bench: $(VENV)/.installed $(AZ)/.installed $(PEERS)/.installed $(NODE_PEERS)/.installed ## measure against peers: ratios, held against their limits (BENCH="tokens secrets" for some)
	@$(BIN)/python -m bench $(BENCH)

fuzz: $(VENV)/.tests-installed ## call everything in /openapi.json with made-up values (CALLS=20000 SEED=1)
	@$(BIN)/python -m tests.hostile.fuzz --calls $(CALLS) $(if $(SEED),--seed $(SEED))

kill: $(VENV)/.tests-installed ## kill workers, servers and PostgreSQL under load, and see that nothing is lost (ROUNDS=50)
	@UNSECRET_KILL_ROUNDS=$(ROUNDS) $(BIN)/pytest -rs tests/promises/test_killed_under_load.py

hostile: $(VENV)/.tests-installed ## ten thousand bad connections at once, and how a good client fares (CONNECTIONS=10000)
	@$(BIN)/python -m tests.hostile.onslaught --connections $(CONNECTIONS)

soak: $(VENV)/.tests-installed ## half of the full load for a long time: does anything grow? (MINUTES=30)
	@$(BIN)/python -m tests.hostile.soak --minutes $(MINUTES) --report soak.md

strangers: $(CLIENTS)/.installed $(AZ)/.installed $(NODE)/.installed ## install the real clients that `make test` then runs too (1.2 GB)

prowler: $(VENV)/.tests-installed $(PROWLER)/.installed ## run the one test that is left to it: prowler's own scan (1.4 GB)
	@$(BIN)/pytest -rs -m prowler tests/clients

witnesses: $(VENV)/.tests-installed ## choose anew which test witnesses which operation (runs the tests of the tenant)
	@$(BIN)/python -m tests.witnesses
	@$(BIN)/python -m tests.tenant.parity_page

format: $(VENV)/.tests-installed ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.tests-installed ## write the reference pages anew that are made from the code
	@$(BIN)/python -m tests.cli.reference_pages
	@$(BIN)/python -m tests.wire.policy_file_page
	@$(BIN)/python -m tests.tenant.served_page
	@$(BIN)/python -m tests.tenant.errors_page
	@$(BIN)/python -m tests.tenant.parity_page
	@$(BIN)/python -m tests.operate.snapshot_page

lock: $(VENV)/.tests-installed ## write requirements/*.txt anew from pyproject.toml and requirements/*.in
	@$(LOCK) pyproject.toml --output-file requirements/run.txt
	@for name in build dev strangers az bench prowler; do $(LOCK) requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done

upgrade: ## the same, with the newest versions that are allowed
	@$(MAKE) lock LOCK='$(LOCK) --upgrade'

audit: $(VENV)/.tests-installed ## look the locked packages up among known vulnerabilities (asks the package index)
	@for name in run build dev; do $(BIN)/pip-audit --require-hashes --disable-pip --strict -r requirements/$$name.txt || exit 1; done

clean: ## remove the environments and caches, never the tenant's data
	rm -rf $(VENV) $(CLIENTS) $(AZ) $(NODE) $(PROWLER) $(PEERS) $(NODE_PEERS) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# The build tools come first and locked, and builds are not isolated: pip fetches nothing that has no hash.
$(VENV)/.packages: requirements/build.txt requirements/run.txt
	@echo "Making $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; make PYTHON=python3.11 names one")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements/build.txt
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-build-isolation -r requirements/run.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.packages pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tests-installed: $(VENV)/.installed requirements/dev.txt
	@$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements/dev.txt
	@touch $@

# Thousands of files, most of them never imported: they are compiled when used.
$(CLIENTS)/.installed: requirements/strangers.txt
$(AZ)/.installed: requirements/az.txt
$(PEERS)/.installed: requirements/bench.txt
$(PROWLER)/.installed: requirements/prowler.txt
$(CLIENTS)/.installed $(AZ)/.installed $(PEERS)/.installed $(PROWLER)/.installed:
	@echo "Making $(@D) …"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install $(PIP_FLAGS) --no-compile -r $<
	@touch $@

$(NODE)/.installed: tests/clients/node/package.json tests/clients/node/package-lock.json
$(NODE_PEERS)/.installed: $(wildcard bench/peers/*.mjs bench/peers/*.json)
$(NODE)/.installed $(NODE_PEERS)/.installed:
	@echo "Making $(@D) …"
	@rm -rf $(@D) && mkdir $(@D) && cp $^ $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
