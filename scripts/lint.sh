#!/bin/sh
# All static checks, every one run even when an earlier one fails: `make lint`.
set -u
PYTHON=${PYTHON:-.venv-dev/bin/python}
failed=""
step() {
	name=$1
	shift
	printf '%-22s' "$name"
	if out=$("$@" 2>&1); then
		echo "ok"
	else
		echo "FAILED"
		printf '%s\n' "$out"
		failed="$failed $name"
	fi
}

step "ruff check" "$PYTHON" -m ruff check .
step "ruff format" "$PYTHON" -m ruff format --check -q .
step "mypy --strict" "$PYTHON" scripts/typecheck.py
step "house rules" "$PYTHON" scripts/house_rules.py
step "golden routes" "$PYTHON" scripts/routes.py --check
if command -v npm >/dev/null 2>&1; then
	# npm keeps a copy of the lock it installed from
	[ node_modules/.package-lock.json -nt package-lock.json ] || step "npm ci" npm ci --silent --no-audit --no-fund
	step "buf lint" sh scripts/lint_contracts.sh
	step "buf breaking" sh scripts/breaking.sh
else
	echo "buf                   skipped: npm is not installed (contract changes need it)"
fi
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
