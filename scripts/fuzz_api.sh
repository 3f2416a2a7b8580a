#!/bin/sh
# Sends generated requests to every REST call of a running mesh (`make run` first): no fault, one error shape. `make fuzz`.
set -eu
cd "$(dirname "$0")/.."
address=${CINE_E2E_URL:-http://127.0.0.1:${CINE_GATEWAY_PORT:-8000}}
export SCHEMATHESIS_HOOKS=tests.load.fuzz_hooks PYTHONPATH=.
exec .venv-dev/bin/schemathesis run "$address/openapi.json" --url "$address" --checks no_server_fault \
	--phases examples,coverage,fuzzing --max-examples "${FUZZ_EXAMPLES:-40}" --workers 2 --continue-on-failure \
	--generation-database none --warnings off --request-timeout 20 "$@"
