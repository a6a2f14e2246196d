#!/usr/bin/env bash
# All tests, on what this machine has. What is missing is installed (as root on Debian) or said.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh
scripts/assets.sh
GOFLAGS=$(scripts/flags.sh) # what is tested is what is shipped, and each package is compiled once
export GOFLAGS CGO_ENABLED=0
scripts/check.sh
export KENSHIN_LAB=${KENSHIN_LAB:-$(readlink -f ../shared/lab/lab.sh 2>/dev/null || true)}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
# the longest first, so that no core waits for one of them at the end; vetted already; without what a debugger needs; two packages at a time, as the lab, PostgreSQL and Chromium share the machine's cores; four tests of one, as those mostly wait
go test -vet=off -ldflags='-s -w' -p 2 -parallel 4 -timeout 18m -v ./e2e ./checkup ./web ./web/page ./gate ./drill ./job ./... >"$log" 2>&1 || status=$?
grep -avE '^(=== (RUN|PAUSE|CONT|NAME)|\s*--- PASS|PASS$|\?)' "$log" | grep -aE '^(ok|FAIL|---|\s+---|panic|\s+\S+_test\.go)' || true
[ $status = 0 ] || { echo "---- the failures in full"; grep -anE -B40 '^\s*--- FAIL|^panic|\[build failed\]' "$log" | tail -n 400; }
skips=$(grep -acE '^\s*--- SKIP' "$log" || true)
echo "skipped tests and why:"
grep -aE -A3 '^\s*--- SKIP' "$log" | grep -aE '_test\.go|\.go:[0-9]+:' | sed 's/^\s*/  /' | sort | uniq -c | sort -rn | head -n 40 || true
passed=$(grep -acE '^\s*--- PASS' "$log" || true)
failed=$(grep -acE '^\s*--- FAIL' "$log" || true)
echo "$passed passed, $failed failed, $skips skipped"
exit $status
