#!/usr/bin/env bash
# The README's first minutes on a machine that has nothing of ours: clone, run, ask, stop. Ports apart from the defaults, so
# that a mesh already running here is left alone.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
export HOME="$folder/home" CINE_GATEWAY_PORT=${SMOKE_GATEWAY_PORT:-18000} CINE_PORT_BASE=${SMOKE_PORT_BASE:-19050}
unset CINE_DATA_DIR CINE_VAR_DIR VIRTUAL_ENV PYTHONPATH || true
mkdir -p "$HOME"
clone="$folder/clone"
trap 'status=$?; (cd "$clone" 2>/dev/null && make -s stop) || true; [ $status -eq 0 ] || tail -n 20 "$clone"/var/log/*.log 2>/dev/null || true; rm -rf "$folder"' EXIT

git clone -q "$root" "$clone"
cd "$clone"
make run
base="http://127.0.0.1:$CINE_GATEWAY_PORT"
ask() { curl -sS --fail-with-body --max-time 10 "$@"; }

echo "-- health";    ask "$base/health" | tee "$folder/health"; echo; grep -q '"status":"ok"' "$folder/health"
echo "-- ready";     ask "$base/health/ready"; echo
echo "-- search";    ask "$base/api/v1/movies/search?query=metropolis" >"$folder/search"; grep -q '"title":"Metropolis"' "$folder/search"; head -c 300 "$folder/search"; echo
echo "-- recommend"; ask "$base/api/recommendations" -H 'content-type: application/json' \
	-d '{"user_id":"test","preferred_genres":["action","sci-fi"]}' >"$folder/match"; head -c 300 "$folder/match"; echo
count=$(grep -o '"movie_id"' "$folder/match" | wc -l)
[ "$count" -eq 20 ] || { echo "expected 20 films, got $count"; exit 1; }
echo "-- a clear error"
code=$(curl -sS -o "$folder/error" -w '%{http_code}' "$base/api/recommendations" -H 'content-type: application/json' -d '{"preferred_genres":["no such genre"]}')
cat "$folder/error"; echo; [ "$code" = 400 ]
if find .venv/lib -maxdepth 3 -type d -name torch | grep -q .; then echo "the serving environment holds torch"; exit 1; fi
size=$(du -sm .venv | cut -f1); echo "-- serving environment: ${size} MB"; [ "$size" -le 1200 ]
make -s stop
echo "-- second start"
started=$(date +%s%N); make -s run; echo "ready after $((($(date +%s%N) - started) / 1000000)) ms (limit 15000)"
make -s stop
