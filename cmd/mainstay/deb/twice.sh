#!/usr/bin/env bash
# Builds the packages twice, from this tree and from an archive of its commit
# elsewhere, under another umask, clock zone and language, and fails unless both are
# the same byte for byte. Everything must be committed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree() { git -C "$top" archive HEAD; }
if ! git -C "$top" rev-parse --quiet --verify HEAD >/dev/null; then # from an archive itself
	tree() { tar -c -C "$top" --exclude=./bin --exclude=./dist .; }
elif [ -n "$(git -C "$top" status --porcelain)" ]; then
	echo "error: commit first: an archive has only what is committed" >&2
	exit 1
fi

bash "$here/build.sh" "$work/one" >/dev/null
mkdir "$work/tree"
tree | tar -x -C "$work/tree"
(umask 077 && cd / && TZ=Asia/Tokyo LC_ALL=C bash "$work/tree/cmd/mainstay/deb/build.sh" "$work/two" >/dev/null)
for file in "$work"/one/*; do
	cmp "$file" "$work/two/$(basename "$file")"
	echo "the same twice: $(sha256sum <"$file" | cut -c 1-64)  $(basename "$file")"
done
