#!/usr/bin/env bash
# Each fuzz target for a while: FUZZTIME (default 20s).
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz\w+' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r target; do
    echo "== $dir $target"
    go test "$dir" -run='^$' -fuzz="^$target\$" -fuzztime="${FUZZTIME:-20s}"
  done
done
