#!/bin/sh
# buf lint (STANDARD and COMMENTS) over the contracts. They are compiled first and linted as a descriptor set: buf.yaml says why.
set -eu
cd "$(dirname "$0")/.."
buf=node_modules/.bin/buf
[ -x "$buf" ] || { echo "error: buf is not installed here; run: npm ci" >&2; exit 1; }
"${PYTHON:-.venv-dev/bin/python}" scripts/generate.py >/dev/null
"$buf" lint shared/contracts/descriptors.binpb
