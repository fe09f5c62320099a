"""Published tables: one file a source, each a recipe from its files to numbers.

``formats`` has the layouts of third parties, ``imports`` the authors' own downloads.
"""
