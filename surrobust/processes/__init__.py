"""Processes: Gaussian processes over cells, for predictors and searches, with a prior or without.

A ``kernel`` says how alike cells are, by ``groups`` of features and linear trends; a ``metric`` is
what benchmarks taught of the features, by ``learning``. The kernel's
hyper-parameters are those of the best ``likelihood``. A ``process`` has a kernel and groups, and is
fitted to ``scores`` of cells; ``spread`` says how sure it is. ``prior`` and ``trend`` are what
other targets say of every cell, as such trends. ``averaging`` weighs several processes by how well
they explain what was measured. ``refitted`` is the process of a search, fitted again after every
measurement.
"""
