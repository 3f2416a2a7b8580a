#!/bin/sh
# buf breaking (FILE and WIRE_JSON): the contracts as they are here against what has landed.
#
#   scripts/breaking.sh [REVISION]
#
# Without a revision it compares with the last commit when the contracts here differ from it, or else with the commit before the
# one that last changed them; and with the newest tag there is, because that is what clients were built against.
# buf does not see a changed REST path: tests/contract/routes.golden pins those.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv-dev/bin/python}
buf=node_modules/.bin/buf
[ -x "$buf" ] || { echo "error: buf is not installed here; run: npm ci" >&2; exit 1; }

has_contracts() { git rev-parse --quiet --verify "$1^{commit}" >/dev/null && [ -n "$(git ls-tree "$1" protos 2>/dev/null)" ]; }

baselines() {
	if ! git rev-parse --quiet --verify HEAD >/dev/null; then
		return
	elif [ -n "$(git status --porcelain -- protos)" ]; then
		git rev-parse HEAD
	else
		git log --skip=1 -n 1 --format=%H -- protos
	fi
	git tag --sort=-creatordate --merged HEAD | head -n 1
}

if [ $# -gt 0 ]; then
	has_contracts "$1" || { echo "error: $1 is no commit with contracts" >&2; exit 2; }
	revisions=$1
else
	revisions=$(baselines)
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
compared=""
failed=""
"$python" scripts/generate.py >/dev/null
for revision in $revisions; do
	has_contracts "$revision" || continue
	commit=$(git rev-parse "$revision^{commit}")
	case "$compared" in *"$commit"*) continue ;; esac
	compared="$compared $commit"
	before="$work/$commit"
	mkdir -p "$before/scripts"
	git archive "$commit" protos | tar -x -C "$before"
	# today's compiler for both sides, so that only the contracts differ
	cp scripts/generate.py "$before/scripts/"
	"$python" "$before/scripts/generate.py" >/dev/null
	echo "comparing with $(git log -1 --format='%h %s' "$commit")"
	"$buf" breaking shared/contracts/descriptors.binpb --against "$before/shared/contracts/descriptors.binpb" || failed=yes
done
[ -n "$compared" ] || echo "no earlier commit has contracts: nothing to compare with yet"
[ -z "$failed" ] || { echo "error: breaking changes; add instead of changing, or start a v2 package" >&2; exit 1; }
