"""Serving stays light: no deep-learning framework, and nothing that only training needs."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_serving_process_imports_neither_torch_nor_what_training_needs() -> None:
    program = (
        "import sys\n"
        "import cine_recommender.app\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'sklearn', 'polars', 'model2vec', 'onnxruntime'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.strip() == "[]", done.stderr
