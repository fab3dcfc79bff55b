# Each target is one line that calls `python -m tools VERB`. Variables reach it through the environment, never through
# the text of a command, so no value of NAME or PARAMS can be run by a shell.
#
#   NAME         a directory under services/          ENVIRONMENT  Local, Dev, Prod, ...
#   PARAMS       the flow's parameters as JSON        DEPLOYMENT   which deployment to trigger
#   TO           the release to roll back to          ARGS         further arguments of the verb, e.g. ARGS=--json
#   DEPS, SECRET, DESCRIPTION   of a new flow

PYTHON ?= python3
TOOLS := .venv/bin/python -m tools
.DEFAULT_GOAL := help
# As they are: make itself would expand a $ in them, and run $(shell ...).
override NAME := $(value NAME)
override PARAMS := $(value PARAMS)
override DEPLOYMENT := $(value DEPLOYMENT)
override TO := $(value TO)
export NAME PARAMS DEPLOYMENT TO
ifdef ENVIRONMENT
override ENVIRONMENT := $(value ENVIRONMENT)
export ENVIRONMENT
endif

# Whether a variable says 1, yes or true on make's own command line: nothing is deleted because a variable was exported.
space := $(subst ,, )
yes = $(and $(filter command,$(origin $(1))),$(filter 1 yes true,$(subst $(space),_,$(value $(1)))))

# What a new flow is told, as flags, and only on make's own command line: what others export as SECRET is not meant.
ABOUT := DESCRIPTION DEPS SECRET
$(foreach name,$(ABOUT),$(if $(filter command,$(origin $(name))),$(eval override $(name) := $$(value $(name)))))
export $(ABOUT)
lower = $(subst DESCRIPTION,description,$(subst DEPS,deps,$(subst SECRET,secret,$(1))))
about = $(foreach name,$(ABOUT),$(if $(subst override,,$(origin $(name))),,--$(call lower,$(name)) "$$$(name)"))

# Set-up: the tooling's own environment from its lock, and .env from its example.
.venv/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "\n  → make PYTHON=python3.13 ...")'
	@echo "setting up .venv from requirements.lock" >&2
	@$(PYTHON) -m venv .venv
	@awk '/^[^ ]/ { keep = /^uv==/ } keep' requirements.lock > .venv/uv.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
	@touch $@

.env: | .env.example
	@cp .env.example .env

.PHONY: setup
setup: .venv/.installed .env ## set up .venv and .env (every other target does it when needed)

## Writing a flow
.PHONY: new-flow remove-flow set-secret list run-flow test-flow ui
new-flow: setup ## make a flow NAME that runs, tests and deploys as it is; DEPS="polars", SECRET=ORDERS_TOKEN
	@$(TOOLS) new $${NAME:+"$$NAME"} $(about) $(ARGS)
remove-flow: setup ## show what is removed with NAME; YES=1 removes it
	@$(TOOLS) remove "$$NAME" $(if $(call yes,YES),--yes)
set-secret: setup ## store SECRET of the flow NAME: typed without being shown, or from standard input
	@$(TOOLS) secret $(if $(subst override,,$(origin SECRET)),,"$$SECRET") --flow "$$NAME"
list: setup ## the flows there are
	@$(TOOLS) list $(ARGS)
run-flow: setup ## run NAME as a process on this machine, with PARAMS
	@$(TOOLS) run "$$NAME" --params "$$PARAMS"
test-flow: setup ## run the tests of NAME on its own locked dependencies
	@$(TOOLS) test "$$NAME"
ui: setup ## show the runs of run-flow in Prefect's UI
	@$(TOOLS) ui

## The local cloud
.PHONY: up down
up: setup ## start the local cloud: Prefect server, AWS emulator, ECS worker
	@$(TOOLS) up
down: setup ## stop it and keep its data; VOLUMES=1 removes the data too
	@$(TOOLS) down $(if $(call yes,VOLUMES),--volumes)

## An environment in AWS
.PHONY: bootstrap
bootstrap: setup ## what ENVIRONMENT needs in AWS and lacks; YES=1 makes it, DELETE=1 YES=1 removes it
	@$(TOOLS) bootstrap $(if $(call yes,DELETE),--delete) $(if $(call yes,YES),--yes) $(ARGS)

## To an environment
.PHONY: build-flow push-flow register-flow deploy-flow deploy trigger-flow
build-flow: setup ## build the image of NAME
	@$(TOOLS) build "$$NAME" $(ARGS)
push-flow: setup ## push the image of NAME to ECR
	@$(TOOLS) push "$$NAME" $(ARGS)
register-flow: setup ## release NAME on ECS and register it with Prefect
	@$(TOOLS) register "$$NAME" $(ARGS)
deploy-flow: setup ## all of it for NAME: build, push, release, register what differs
	@$(TOOLS) deploy "$$NAME" $(ARGS)
deploy: setup ## the same for every flow
	@$(TOOLS) deploy $(ARGS)
trigger-flow: setup ## start a run of NAME with PARAMS and follow it
	@$(TOOLS) trigger "$$NAME" --params "$$PARAMS" $${DEPLOYMENT:+--deployment "$$DEPLOYMENT"}

## Seeing and undoing
.PHONY: logs doctor plan status history rollback-flow prune
logs: setup ## what the last run of NAME and its container said; follows it
	@$(TOOLS) logs "$$NAME" $(ARGS)
doctor: setup ## what a run in ENVIRONMENT needs: each thing with pass or fail and the mend; writes nothing
	@$(TOOLS) doctor $(ARGS)
plan: setup ## what a deploy would do and why, of NAME or of all; writes nothing
	@$(TOOLS) plan $${NAME:+"$$NAME"} $(ARGS)
status: setup ## how every flow stands: release, schedules, runs, drift
	@$(TOOLS) status $${NAME:+"$$NAME"} $(ARGS)
history: setup ## the releases of NAME and what each changed
	@$(TOOLS) history "$$NAME" $(ARGS)
rollback-flow: setup ## bring NAME back to the release before, or to TO
	@$(TOOLS) rollback "$$NAME" --to "$$TO" $(ARGS)
prune: setup ## what nothing needs any more; YES=1 deletes it
	@$(TOOLS) prune $(if $(call yes,YES),--yes) $(ARGS)

## Keeping it right
.PHONY: check test test-fast bench lock compose-file help
check: setup ## lint, format, types, locks, services, compose file
	@$(TOOLS) check
test: setup ## run all tests; without Docker it says which it could not run
	@$(TOOLS) test
test-fast: setup ## the tooling's tests that need nothing but Python: at each save
	@$(TOOLS) test --fast
bench: setup ## measure loads and deploys beside their peers; ARGS=load or ARGS=deploy for one part
	@.venv/bin/python -m tools.bench $(ARGS)
lock: setup ## compile the requirements.lock files, or that of NAME; UPGRADE=1 takes newer versions
	@$(TOOLS) lock $${NAME:+"$$NAME"} $(if $(call yes,UPGRADE),--upgrade)
compose-file: setup ## write compose/flows.yaml from services/
	@$(TOOLS) compose
help: ## this list
	@awk -F ':.*## ' '/^## / { print "\n" substr($$0, 4) } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nVariables: NAME=flow PARAMS=json ENVIRONMENT=Local|Dev|Prod DEPLOYMENT=name TO=release ARGS="verb arguments"\n'
