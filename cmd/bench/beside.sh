#!/usr/bin/env bash
# Lays a benchmark of this tree beside the same one in another commit of it, whose
# sources get this tree's file of the benchmark: the phases of a first start, a planned
# switch and a failback, in simulated seconds, which no busy machine changes.
#
#   beside.sh REVISION [RUNS]
set -euo pipefail
cd "$(dirname "$0")/../.."
revision=$1 runs=${2:-200}
file=reconcile/sim/sim_phases_test.go
other=$(mktemp -d)
trap 'rm -rf "$other"' EXIT
git archive "$revision" | tar -x -C "$other"
cp "$file" "$other/$file"

# measured FOLDER prints "way metric value" for each figure.
measured() {
	(cd "$1" && go test ./reconcile/sim -run '^$' -bench '^BenchmarkSimPhases$' -benchtime "${runs}x") |
		awk '/^BenchmarkSimPhases/ { split($1, name, /[\/-]/); for (i = 3; i < NF; i += 2) if ($(i + 1) ~ /-sim-s$/) {
			what = $(i + 1); sub(/-sim-s$/, "", what); print name[2], what, $i } }'
}

measured "$other" >"$other/then"
measured . >"$other/now"
printf '%-10s %-14s %12s %12s\n' way until "${revision:0:12}" 'this tree'
awk 'NR == FNR { then[$1, $2] = $3; next }
	{ printf "%-10s %-14s %10.2f s %10.2f s\n", $1, $2, then[$1, $2], $3 }' "$other/then" "$other/now" | sort
