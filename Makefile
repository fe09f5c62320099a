.PHONY: help format check types floors test fresh docs leaderboard all

# Every module and folder that is not private.
API = surrobust $(subst /,.,$(basename $(wildcard surrobust/[a-z]*.py)) \
	$(patsubst %/__init__.py,%,$(wildcard surrobust/[a-z]*/__init__.py)))

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

cells:  ## data/cells.npy: which cells are alike, worked out anew
	python -c "import numpy as np; from surrobust.encodings.function_features import find_forms; from surrobust.spaces import find_representatives; np.save('data/cells.npy', np.array([find_representatives(), find_forms()], dtype='<u2'))"

leaderboard:  ## docs/leaderboard.md and the tables of README.md from the committed results
	python -m experiments.leaderboard
	python -m experiments.summaries

all: check types floors test  ## What the continuous integration runs
