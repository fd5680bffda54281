#!/usr/bin/env bash
# Runs every fuzz target for a time, several side by side with one worker each, and
# closes with "fuzz: N of N targets, M failed". What a target finds stays in its
# folder's testdata, and is run by every later test. Exit status 1 when one failed.
#
#   fuzz.sh TIME [LANES]      LANES is how many at a time: one for each core if left out
set -euo pipefail
cd "$(dirname "$0")/../.."
time=$1 lanes=${2:-$(nproc)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# Each line of the queue is a folder and a target in it.
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func | |' | sort -u >"$work/queue"
all=$(wc -l <"$work/queue")
[ "$all" -gt 0 ] || { echo "error: fuzz: there is no fuzz target in this tree yet" >&2; exit 1; }

# take prints the first line of the queue and takes it away.
take() {
	flock "$work/queue.lock" bash -c 'head -n 1 "$1"; sed -i 1d "$1"' - "$work/queue"
}

# binary builds the tests of a folder once, instrumented, and prints the file.
binary() {
	local file=$work/${1//\//_}.test
	flock "$file.lock" bash -c '[ -e "$1" ] || go test -c -fuzz . -ldflags "-s -w" -o "$1" "$2"' - "$file" "$1" && echo "$file"
}

# On a busy machine Go's engine fails a target that found nothing, when a worker is in
# the middle of an input as the time ends (golang/go#75804): this line and no finding.
late() {
	grep -qx ' *context deadline exceeded' "$1" && ! grep -Eq 'Failing input|panic|hung or terminated|_test.go' "$1"
}

# run runs one target, up to three times where only the engine was late.
run() {
	local folder=$1 name=$2 out=$work/$2.out program try
	program=$(binary "$folder") || return 1
	for try in 1 2 3; do
		(cd "$folder" && "$program" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$time" -test.parallel 1 \
			-test.fuzzminimizetime 1s -test.fuzzcachedir "$(go env GOCACHE)/fuzz/mainstay/$folder") >"$out" 2>&1 && return 0
		late "$out" || return 1
		echo "$folder $name: no input failed, but the engine was late at its own end: try $try"
	done
	return 1
}

# lane runs what is in the queue, one after the other.
lane() {
	local folder name
	while read -r folder name < <(take) && [ -n "$name" ]; do
		if run "$folder" "$name"; then
			echo "$folder $name: $(grep '^fuzz: elapsed' "$work/$name.out" | tail -n 1)"
			echo "$name" >>"$work/passed"
		else
			flock "$work/print.lock" sed "s|^|$folder $name: |" "$work/$name.out" || true
		fi
	done
}

touch "$work/passed"
for _ in $(seq "$lanes"); do lane & done
wait
passed=$(wc -l <"$work/passed")
echo "fuzz: $passed of $all targets, $((all - passed)) failed"
[ "$passed" -eq "$all" ]
