"""One folder a question, each run as ``python -m experiments.NAME`` from the repository's root."""
