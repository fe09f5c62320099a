"""Makes pages' scripts importable."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # last, so that what is installed is tested
