#!/usr/bin/env bash
# The pictures of the READMEs, anew: all of the demo's hospital, in Japanese, 1366x768. Needs Chromium and the browser bundle.
set -euo pipefail
cd "$(dirname "$0")/.."
shots=$(mktemp -d)
trap 'rm -rf "$shots"' EXIT
KENSHIN_SHOTS=$shots go test -count=1 -run '^TestDemo(Drills)?$' ./e2e
for name in home ledger device sweep segments level result drill; do
  cp "$shots/picture-$name.png" "docs/picture/$name.png"
done
