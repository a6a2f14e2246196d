#!/usr/bin/env bash
# Formatting, vet, and that the generated files are what the templates make.
set -euo pipefail
cd "$(dirname "$0")/.."
unformatted=$(git ls-files '*.go' | grep -v '_templ\.go$' | xargs -r gofmt -l)
[ -z "$unformatted" ] || { echo "not formatted:"; echo "$unformatted"; exit 1; }
go vet ./...
before=$(git ls-files '*_templ.go' | xargs -r sha256sum)
go tool templ generate >/dev/null 2>&1
after=$(git ls-files '*_templ.go' | xargs -r sha256sum)
[ "$before" = "$after" ] || { echo "templates were changed without 'make generate'"; git --no-pager diff --stat -- '*_templ.go'; exit 1; }
