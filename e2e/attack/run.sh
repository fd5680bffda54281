#!/usr/bin/env bash
# Plays every attack and accident that a test names with attack.Row, prints each
# with its outcome as a Markdown table, and closes with "attacks: N held, V not".
# Exit status 1 when one did not hold or a test failed.
#
#   run.sh [more flags of go test]
set -euo pipefail

# named prints "package test" for every test that names an attack.
named() {
	grep -rl --include='*_test.go' 'attack\.Row(' . | while read -r file; do
		head -n 1 "$file" | grep -q '^//go:build e2e' && continue # needs real hosts: make e2e
		awk -v package="$(dirname "$file")" '
			/^func Test/ { name = $2; sub(/\(.*/, "", name) }
			/^func [^T(]/ || /^func \(/ { helper = 1 }
			/^func Test/ { helper = 0 }
			/attack\.Row\(/ { if (helper) print package, "."; else print package, name }' "$file"
	done | sort -u
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for package in $(named | cut -d' ' -f1 | sort -u); do
	tests=$(named | awk -v p="$package" '$1 == p { print $2 }')
	# A row inside a helper belongs to whichever test calls it.
	case $tests in *.*) only=. ;; *) only="^($(echo "$tests" | paste -sd'|'))\$" ;; esac
	go test -v -count=1 -run "$only" "$@" "$package" >>"$log" 2>&1 || failed=1
done

echo "| outcome | area | what somebody does | what is expected |"
echo "|---|---|---|---|"
awk -F'\t' '
	/attack:\t/ {
		for (i = 2; i <= 5; i++) gsub(/\|/, "\\|", $i)
		printf "| %s | %s | %s | %s |\n", $2, $3, $4, $5
		if ($2 == "held") held++; else not++
	}
	END { printf "attacks: %d held, %d not\n", held, not; exit not > 0 || held == 0 }' "$log" || failed=1
[ "$failed" -eq 0 ] || grep -E '^(\s*--- FAIL|FAIL)' "$log" >&2 || true
exit "$failed"
