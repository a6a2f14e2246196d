#!/usr/bin/env bash
# Measures bin/kenshin on this machine, each figure beside a floor or a peer of the same run, and keeps the result in dist/.
# BENCH_PEERS=1 also runs the slow peers (nmap -sV -O, nmap on an empty network). BENCH_ONLY=list,serve runs only some parts:
# binary insert read import list replay serve checkup wire presence judge assess pack drill drillkills. KENSHIN_LAB names lab.sh; without it, or without root, the parts in the lab
# are left out. No figure fails the run: only what cannot be measured does.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BENCH_BIN:-bin/kenshin}
[ -x "$bin" ] || { echo "$bin is missing: make build" >&2; exit 1; }
scripts/packages.sh
BENCH_BIN=$(readlink -f "$bin")
BENCH_LOAD=$(cut -d' ' -f1-3 /proc/loadavg)
lab=${KENSHIN_LAB:-$(readlink -f ../shared/lab/lab.sh 2>/dev/null || true)}
export BENCH_BIN BENCH_LOAD BENCH_LAB= BENCH_PEERS=${BENCH_PEERS:-} BENCH_ONLY=${BENCH_ONLY:-}
export LAB_PREFIX=${LAB_PREFIX:-kb$((RANDOM % 90 + 10))}
export LAB_DIR=${LAB_DIR:-/tmp/hosplab-$LAB_PREFIX}

# what runs elsewhere on the machine would be measured with it
case ",$BENCH_ONLY," in
  ,,|*,checkup,*|*,wire,*|*,presence,*)
    if [ "$(id -u)" = 0 ] && [ -e "$lab" ]; then
      trap 'bash "$lab" down >/dev/null 2>&1 || true' EXIT
      log=$(mktemp)
      if bash "$lab" up >"$log" 2>&1; then BENCH_LAB=$lab; else echo "the lab does not come up:"; tail -n 5 "$log"; fi
      rm -f "$log"
    fi ;;
esac
machine=$(hostname -s 2>/dev/null || echo machine)
export BENCH_OUT=dist/bench-$(date +%Y-%m-%d)-$machine.md
go build -o "${TMPDIR:-/tmp}/kenshin-bench-$$" ./internal/bench
status=0
"${TMPDIR:-/tmp}/kenshin-bench-$$" || status=$?
rm -f "${TMPDIR:-/tmp}/kenshin-bench-$$"
echo "kept in $BENCH_OUT"
exit $status
