#!/bin/sh
# Checks a change of the document and writes plan.md for a comment on the pull
# request: what the change would do, or why it must not be merged as it is. Exit
# code: 0 fine, 3 the document has problems, 1 something else went wrong.
#
#   ci/plan.sh BASE     BASE is the branch that the change goes to, such as main
set -eu
base=${1:?usage: ci/plan.sh BASE}
rm -rf plan.md plan.err # a change could bring links of these names, to be written through

failed() {
	code=$?
	{ printf '### mainstay: do not merge this as it is\n\n```\n'; cat plan.err; printf '```\n'; } >plan.md
	cat plan.md
	exit "$code"
}

mainstay validate >plan.err 2>&1 || failed
mainstay plan --base "$base" --to HEAD -o markdown >plan.md 2>plan.err || failed
cat plan.md
