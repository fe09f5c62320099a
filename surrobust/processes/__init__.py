"""Processes: Gaussian processes over cells, alone or with a prior, for predictors and searches.

Features come in ``groups``, each with a weight of its own in the ``kernel``; values are taken as
``scores``. A ``prior`` says of every cell what other targets are worth, a ``trend`` what follows
from it for new ones; ``process`` and ``trend_kernel`` learn how far to believe it, and ``spread``
how sure that is. ``refitted`` is the process of a search, fitted again after every measurement, and
``averaging`` weighs several of them by how well they explain what was measured.
"""
