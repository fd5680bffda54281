#!/usr/bin/env bash
# Plays every attack and accident that a test names with attack.Row, prints each
# with its outcome as a Markdown table, and closes with "attacks: N held, V not".
# Exit status 1 when one did not hold, a test failed, or one that names an attack
# wrote no row.
#
#   run.sh [more flags of go test]
set -euo pipefail

# named prints "package test" for every test that names an attack, and "package ."
# where a helper does: it belongs to whichever test calls it.
named() {
	grep -rl --include='*_test.go' 'attack\.Row(' cmd reconcile schema spec examples | while read -r file; do
		head -n 1 "$file" | grep -q '^//go:build e2e' && continue # needs real hosts: make e2e
		awk -v package="./$(dirname "$file")" '
			/^func Test/ { name = $2; sub(/\(.*/, "", name); helper = 0 }
			/^func [^T(]/ || /^func \(/ { helper = 1 }
			/attack\.Row\(/ { print package, helper ? "." : name }' "$file"
	done | sort -u
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
tests=$(named)

# run runs the tests that a pattern names in the packages given, into the log.
run() {
	local only=$1
	shift
	[ $# -eq 0 ] || go test -v -count=1 -run "$only" "${flags[@]}" "$@" >>"$log" 2>&1 || failed=1
}

# Only the tests that name an attack, in the packages that hold one; where a helper
# names it, all tests of that package.
flags=("$@")
whole=$(awk '$2 == "." { print $1 }' <<<"$tests" | sort -u)
single=$(grep -vxF "${whole:-none}" <<<"$(cut -d' ' -f1 <<<"$tests" | sort -u)" || true)
# shellcheck disable=SC2086
run "^($(awk '$2 != "." { print $2 }' <<<"$tests" | sort -u | paste -sd'|'))\$" $single
# shellcheck disable=SC2086
run . $whole

echo "| outcome | area | what somebody does | what is expected |"
echo "|---|---|---|---|"
awk -F'\t' -v failed="$failed" '
	/attack:\t/ {
		for (i = 2; i <= 5; i++) gsub(/\|/, "\\|", $i)
		printf "| %s | %s | %s | %s |\n", $2, $3, $4, $5
		if ($2 == "held") held++; else not++
	}
	END {
		if (failed && !not) not = 1 # a test that failed, or did not build, wrote no row
		printf "attacks: %d held, %d not\n", held, not
		exit not > 0 || held == 0
	}' "$log" || failed=1
# What failed comes last, each with what its test said before.
if [ "$failed" -ne 0 ]; then
	grep -vE 'attack:|^=== |^ *--- PASS|^ok |^PASS' "$log" | grep -B 40 -E '^ *--- FAIL|^FAIL|^panic' | tail -n 200 >&2 || true
fi
exit "$failed"
