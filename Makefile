# `make help` lists the targets. Everything runs inside .venv, which tools/bootstrap.py makes.
PYTHON ?= python3
RUN := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help up test check bench chaos generators generate protos service lock format environment environment-dev

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|' 2>/dev/null \
		|| grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST)

up: environment ## Starts everything on this machine; Ctrl-C stops it
	@exec .venv/bin/rampart up

test: environment-dev ## Runs all tests on real servers that they start themselves (ARGS="-k name")
	@exec $(RUN) $(if $(ARGS),-m pytest $(ARGS),tools/run_tests.py)

check: environment-dev ## Lint, types, import contracts, protos, drift
	@exec $(RUN) tools/check.py

bench: environment-dev ## Measures the fraud check, with ENGINE=1 declared features, TASKS=1 tasks (QUICK=1 is short, PEER=FOLDER compares)
	@exec $(RUN) -m tests.load$(if $(TASKS),.tasks)$(if $(ENGINE),.decisions) $(if $(QUICK),--quick) $(if $(PEER),--peer "$(PEER)") $(ARGS)

chaos: environment-dev ## Kills workers, service and database under 10,000 tasks, again and again (TASKS=1000 is shorter)
	@RAMPART_CHAOS_TASKS=$(or $(TASKS),10000) exec $(RUN) -m pytest -s -q -o faulthandler_timeout=0 tests/integration/services/task/test_chaos.py $(ARGS)

generators: environment-dev ## Tries linters and the clients that generators make of the OpenAPI document (downloads them)
	@RAMPART_GENERATORS=full exec $(RUN) -m pytest -o faulthandler_timeout=0 tests/generators $(ARGS)

generate: environment-dev ## Writes what derives from protos/ and services/table.toml
	@$(RUN) tools/generate.py && $(RUN) tools/services.py && $(RUN) -m tools.docs

protos: environment-dev ## Exports protos and descriptors for other languages into build/protos (OUT=FOLDER)
	@exec $(RUN) -m tools.export_protos "$(or $(OUT),build/protos)"

service: environment-dev ## Makes a new service from a template (NAME=parcel)
	@exec $(RUN) tools/new_service.py $(NAME)

format: environment-dev ## Formats Python and protos
	@$(RUN) -m ruff check --fix-only --quiet . && $(RUN) -m ruff format . && .venv/bin/buf format -w protos --path protos/rampart

lock: environment-dev ## Resolves pyproject.toml into requirements*.lock, with hashes
	@exec $(RUN) tools/lock.py

environment:
	@$(PYTHON) tools/bootstrap.py

environment-dev:
	@$(PYTHON) tools/bootstrap.py --dev
