"""Sharing: several workers of one search, that meet in a file or a database.

A worker claims an architecture in the ``ledger`` and measures it while its ``lease`` says that it
is alive. The ledger is a study of Optuna's in a ``storage``: a ``journal`` file, or a database with
which one has to be ``patient``.
"""
