#!/usr/bin/env bash
# The browser side: npm brings the third-party parts by lockfile, esbuild (a Go module) bundles them. Without Node the pages work as
# plain HTML, and the server says so.
set -euo pipefail
cd "$(dirname "$0")/.."
out=web/asset/dist
if [ -e "$out/app.js" ]; then
  newest=$(find web/asset web/bundle -path '*/node_modules' -prune -o -path "$out" -prune -o -type f -newer "$out/app.js" -print -quit)
  if [ -z "$newest" ]; then exit 0; fi
fi
if ! command -v npm >/dev/null; then
  echo "npm is not on this machine: the pages will work as plain HTML, without the bundled look and script" >&2
  exit 0
fi
if [ ! -e web/asset/node_modules/.package-lock.json ] || [ web/asset/package-lock.json -nt web/asset/node_modules/.package-lock.json ]; then
  (cd web/asset && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
fi
go run ./web/bundle
