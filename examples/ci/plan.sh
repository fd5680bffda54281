#!/bin/sh
# Checks a change of the document and writes what it would do to plan.md, for a
# comment on the pull request. Exit code: 0 fine, 3 the document has problems,
# 1 something else went wrong.
#
#   ci/plan.sh BASE     BASE is the branch that the change goes to, such as main
set -eu
base=${1:?usage: ci/plan.sh BASE}
mainstay validate
mainstay plan --branch "$base" --to HEAD -o markdown >plan.md
cat plan.md
