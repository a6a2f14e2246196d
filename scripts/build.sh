#!/usr/bin/env bash
# scripts/build.sh VERSION FILE: the program, small.
set -euo pipefail
cd "$(dirname "$0")/.."
GOFLAGS="$(scripts/flags.sh)" CGO_ENABLED=${CGO_ENABLED:-0} go build -ldflags "-s -w -X main.version=$1" -o "$2" ./cmd/kenshin
