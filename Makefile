.PHONY: help format check types floors test all

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | column -t -s '	'

format:  ## Sort imports and format the code
	ruff check --select I --fix .
	ruff format .

check:  ## Lint and formatting
	ruff check .
	ruff format --check .

types:  ## Type checker
	mypy

floors:  ## The import contract of the floors
	lint-imports

test:  ## All tests on all cores
	pytest -n auto

all: check types floors test  ## What the continuous integration runs
