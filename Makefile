# Short names for the project's commands; everything they need is set up on first use.
.DEFAULT_GOAL := help
.PHONY: help setup packages demo sandbox test format lint unit sanity readers simulation integration hostile hosts long chaos bench changelog docs docs-check constraints clean

export LC_ALL := C.UTF-8
PYTHON := .venv/bin/python

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## create .venv, .venv-core219 and .venv-docs from requirements/ (fast when nothing changed)
	@scripts/bootstrap.sh all

packages: ## as root on Debian: install the packages that the tests use (sshd, PostgreSQL, Valkey, …)
	@scripts/install-packages.sh

demo: ## deploy to a sample application on this machine, from a local AWS; cleans up after itself
	@scripts/bootstrap.sh demo
	@$(PYTHON) -m sandbox.demo

sandbox: ## the demo's servers for your own commands, until Ctrl-C
	@scripts/bootstrap.sh demo
	@$(PYTHON) -m sandbox.demo --set-up-only

test: setup ## every check, ending in one table
	@$(PYTHON) scripts/run_checks.py

format: setup ## let ruff mend what it can
	@.venv/bin/ruff check --quiet --fix . || true
	@.venv/bin/ruff format .

lint: ## ruff, mypy, yamllint, ansible-lint, shellcheck, spelling, words, changelog fragments, links, Galaxy's import
unit: ## unit tests, on both supported Ansible versions
sanity: ## ansible-test sanity on the built artifact, on both versions
readers: ## the .env corpus through the programs that read such files
integration: ## against moto, PostgreSQL and Valkey on this machine
hostile: ## what a hostile host, application, store value or repository tries
hosts: ## as root: real test hosts with systemd and sshd
simulation: ## a rotation's decisions among many interleavings
lint unit sanity readers simulation integration hostile hosts: setup
	@$(PYTHON) scripts/run_checks.py $@

long: setup ## the tests that make test leaves out, since they take minutes each
	@$(PYTHON) -m pytest -q -m "long and not hosts" -n 2 --dist loadfile tests
	@$(PYTHON) -m pytest -q -m "long and hosts" tests

RANDOM_KILLS := $(foreach what,rotate leak,tests/integration/test_$(what)_killed_at_random.py)
chaos: setup ## kill and stop rotations and leak responses at every act there is; takes hours (ACTS=writes: at those that change something; ACTS=random SECONDS=600: at random moments, each)
	@KILL_AT_RANDOM=$(or $(SECONDS),600) $(PYTHON) -m pytest -q -s -m slow $(RANDOM_KILLS)
ifneq ($(ACTS),random)
	@KILL_AT_EVERY_TASK=$(or $(ACTS),1) $(PYTHON) -m pytest -q -s -m slow \
		tests/integration/test_killed.py tests/integration/test_rotate_killed.py tests/integration/test_rotate_two.py \
		tests/integration/test_leak_killed.py tests/integration/test_provision_killed.py tests/integration/test_provision.py
endif

bench: setup ## measure, side by side with today's way; takes an hour or more (python -m bench --help)
	@$(PYTHON) -m bench

changelog: setup ## check the changelog fragments
	@.venv/bin/antsibull-changelog lint
	@ls changelogs/fragments

docs: ## the documentation as a site in build/docs/html; a dead link or anchor fails
	@scripts/bootstrap.sh docs
	@scripts/build_docs.sh

docs-check: setup ## links, and that docs/reference, the schema and .env.example are up to date
	@$(PYTHON) scripts/run_checks.py docs

constraints: setup ## write requirements/constraints.txt from what is installed
	@scripts/bootstrap.sh docs
	@scripts/constraints.sh

clean: ## remove the environments and everything built
	rm -rf .venv .venv-core219 .venv-app .venv-docs .venv-servers build .ansible .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/output
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
