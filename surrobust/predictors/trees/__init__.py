"""Trees: boosted by xgboost or grown as a forest by scikit-learn, and their files.

``booster_file`` and ``ubjson`` stand between a file and xgboost, which trusts what it reads.
"""
