#!/bin/sh
# Sends generated requests to every REST call of a running mesh: no fault, one error shape. `make fuzz`, after
# `CINE_GATEWAY_RATE_LIMIT=0 make run`.
set -eu
cd "$(dirname "$0")/.."
address=${CINE_E2E_URL:-http://127.0.0.1:${CINE_GATEWAY_PORT:-8000}}
if curl -sS -o /dev/null -D - "$address/api/v1/genres" | grep -qi '^ratelimit-limit:'; then
	echo "error: this mesh limits calls, so most would be refused: start it with CINE_GATEWAY_RATE_LIMIT=0" >&2
	exit 1
fi
export SCHEMATHESIS_HOOKS=tests.load.fuzz_hooks PYTHONPATH=.
exec .venv-dev/bin/schemathesis run "$address/openapi.json" --url "$address" --checks no_server_fault \
	--phases examples,coverage,fuzzing --max-examples "${FUZZ_EXAMPLES:-40}" --workers 2 --continue-on-failure \
	--generation-database none --warnings off --request-timeout 20 "$@"
