#!/usr/bin/env bash
# Measures a planned switch of a pair on a git server over HTTP, leg by leg, and prints every
# request of the one that took as long as the median. With a revision, the program of that
# commit is measured in turn with this tree's: machines are noisy, the ratio is less so.
#
#   switch.sh [REVISION]
set -euo pipefail
cd "$(dirname "$0")/../.."
revision=${1:-}
if [ -n "$revision" ]; then
	other=$(mktemp -d)
	trap 'rm -rf "$other"' EXIT
	git archive "$revision" | tar -x -C "$other"
	(cd "$other" && go build -o mainstay ./cmd/mainstay)
	export MAINSTAY_BESIDE=$other/mainstay
fi
go test -run '^$' -bench '^BenchmarkSwitchTrace$' -benchtime 1x ./cmd/mainstay/demo
