# Stagent: `make run` is all a newcomer needs. Everything here works on a machine with only Python and make.
HOST ?= 127.0.0.1
PORT ?= 8000
PY := .venv/bin/python

.PHONY: help env run test lint format bench ci
.DEFAULT_GOAL := help

help:  ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

env:  ## Build .venv from requirements.lock
	@sh bin/env

run: env  ## Run web and scheduler (PORT=8000 HOST=127.0.0.1)
	@exec $(PY) manage.py up --host "$(HOST)" --port "$(PORT)"

test: env  ## Run the tests that need no server (ARGS="-k tick")
	@$(PY) -m pytest -q -n 2 $(ARGS)

lint: env  ## Check style, types and who imports whom, in the browser modules too
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo
	@bash bin/front-end

format: env  ## Put the code in form
	@$(PY) -m ruff check --fix
	@$(PY) -m ruff format

bench: env  ## Measure (docs/benchmarks.md)
	@$(PY) -m benchmarks $(ARGS)

ci: env  ## Everything, on both databases and in the browser
	@bash .ci/run
