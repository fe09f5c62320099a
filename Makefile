.PHONY: help format check types floors test fresh docs leaderboard all

API = surrobust $(addprefix surrobust., analysis attacks benchmark certificates differentiable encodings errors \
	explorer images measuring metrics networks objectives predictors processes proxies report searches \
	sessions spaces tables targets testing threat training typing verification)

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

fresh:  ## README's two commands, each in a new clone and environment (minutes)
	.ci/fresh

docs:  ## API reference from the docstrings, docs/api/index.html (needs the extra docs)
	pdoc --docformat google --output-directory docs/api $(API)

leaderboard:  ## docs/leaderboard.md and the tables of README.md from the committed results
	python experiments/leaderboard.py
	python experiments/summaries.py

all: check types floors test  ## What the continuous integration runs
