#!/usr/bin/env bash
# Runs the console for SOAK (1h; 90s, 10m) on SQLite while it imports, sweeps the lab, replays and answers, is killed at random moments and
# started again; then it runs undisturbed for a while and its memory is watched. Whatever was accepted must be there in the end: the imports
# done, the trail whole against a checkpoint from the beginning, the doctor content. Needs curl and jq; as root with lab.sh (KENSHIN_LAB) it
# sweeps the lab, else it leaves the sweeps out. SOAK_SEED repeats the same choices.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(readlink -f "${SOAK_BIN:-bin/kenshin}")
[ -x "$bin" ] || { echo "bin/kenshin is missing: make build" >&2; exit 1; }
for tool in curl jq; do command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done
case ${SOAK:=1h} in *h) length=$((${SOAK%h} * 3600)) ;; *m) length=$((${SOAK%m} * 60)) ;; *) length=${SOAK%s} ;; esac
RANDOM=${SOAK_SEED:=$RANDOM}
work=$(mktemp -d)
data=$work/data
port=$((20000 + RANDOM % 20000))
export KENSHIN_LANG=en LAB_PREFIX=${LAB_PREFIX:-ks$((RANDOM % 90 + 10))}
export LAB_DIR=${LAB_DIR:-/tmp/hosplab-$LAB_PREFIX}
pid='' lab='' inside=''
keep=''
cleanup() {
  [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
  [ -z "$lab" ] || bash "$lab" down >/dev/null 2>&1 || true
  [ -n "$keep" ] || rm -rf "$work"
}
trap cleanup EXIT
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }
fail() {
  say "FAIL: $*"
  grep -v '^Kenshin: http' "$work/serve.log" 2>/dev/null | tail -n 20 || true
  keep=yes
  echo "data and log are kept in $work"
  exit 1
}

script=${KENSHIN_LAB:-$(readlink -f ../shared/lab/lab.sh 2>/dev/null || true)}
if [ "$(id -u)" = 0 ] && [ -e "$script" ]; then
  lab=$script
  bash "$lab" up >"$work/lab.log" 2>&1 || { tail -n 5 "$work/lab.log"; exit 1; }
  inside="ip netns exec $LAB_PREFIX-sensor"
  $inside ip link set lo up
fi

kenshin() { $inside "$bin" "$@" --data "$data"; }
api() { # METHOD PATH [curl's arguments]: the answer's body; fails on an error
  local method=$1 path=$2
  shift 2
  $inside curl -sS --fail-with-body --max-time 60 -X "$method" -H "Authorization: Bearer $token" "$@" "http://127.0.0.1:$port/api/v1$path"
}
health() { $inside curl -fsS --max-time 2 -o /dev/null "http://127.0.0.1:$port/api/v1/health" 2>/dev/null; }
now() { date +%s%3N; }
rss() { awk '/VmRSS/ {print int($2 / 1000)}' "/proc/$pid/status"; }

slowest=0
start() {
  local from
  from=$(now)
  # ip netns exec becomes the program itself: pid is the program's
  $inside "$bin" serve --data "$data" --listen "127.0.0.1:$port" >>"$work/serve.log" 2>&1 &
  pid=$!
  until health; do
    kill -0 $pid 2>/dev/null || fail "serve ended while starting"
    [ $(($(now) - from)) -lt 30000 ] || fail "serve does not answer within 30 s"
    sleep 0.05
  done
  local took=$(($(now) - from))
  [ $took -le $slowest ] || slowest=$took
}
kills=0
crash() {
  kill -KILL $pid
  wait $pid 2>/dev/null || true
  pid=''
  kills=$((kills + 1))
  kenshin doctor --listen "127.0.0.1:$port" >"$work/doctor" 2>&1 || { cat "$work/doctor"; fail "the doctor after kill -9 number $kills"; }
  start
}

printf 'only for this soak, 2026\n' | kenshin user add --email soak@example.jp --role admin --facility-name Soak --password-stdin >/dev/null 2>&1
token=$(kenshin token add --name soak --role admin 2>/dev/null)
kenshin trail checkpoint --out "$work/checkpoint" >/dev/null 2>&1
start
segments=()
if [ -n "$lab" ]; then
  for s in '{"name":"LAN","prefix":"10.77.0.0/22","interface":"eth0","pace":"normal","listen":true,"snmp":[{"community":"public"}]}' \
    '{"name":"Radiology","prefix":"10.77.8.0/24","routed":true,"pace":"normal","snmp":[{"community":"public"}]}'; do
    id=$(api POST /segments -H 'Content-Type: application/json' -d "$s" | jq -r .id)
    api POST "/segments/$id/approve" >/dev/null
    segments+=("\"$id\"")
  done
fi
say "soak for ${length}s on $(uname -n), seed $SOAK_SEED${lab:+, lab $LAB_PREFIX}"

serial=0 rows=0 asked=() sweeps=() replays=0 pages=0
import() { # accepted means: the apply was answered
  local file=$work/import.csv n=$((50 + RANDOM % 400)) id
  serial=$((serial + 1))
  awk -v n=$n -v s=$serial 'BEGIN { print "管理番号,機器名,種類,メーカー,製造番号,IPアドレス,MACアドレス,部署,担当者";
    for (i = 0; i < n; i++) printf "S%d-%05d,端末%d-%d,パソコン,富士通,SN%d%06d,10.%d.%d.%d,02:11:%02x:%02x:%02x:%02x,外来,佐藤\n", s, i, s, i, s, i, 100 + s % 100, i / 250, i % 250 + 1,
      s / 256, s % 256, i / 256, i % 256 }' >"$file"
  id=$(api POST /imports -F "file=@$file;filename=ledger-$serial.csv" | jq -r .id)
  api POST "/imports/$id/apply" >/dev/null
  asked+=("$id")
  rows=$((rows + n))
}
running() { api GET '/sweeps?limit=100' | jq '[.items[] | select(.state == "running")] | length'; }
sweep() {
  local only=false id
  [ ${#segments[@]} -gt 0 ] || { pages; return; }
  [ "$(running)" -lt 2 ] || { pages; return; }
  [ $((RANDOM % 2)) = 0 ] || only=true
  id=$(api POST /sweeps -H 'Content-Type: application/json' -d "{\"segments\":[$(IFS=,; echo "${segments[*]}")],\"presence_only\":$only}" | jq -r .id)
  sweeps+=("$id")
}
replay() {
  local file=$work/replay.ndjson at
  at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  for i in $(seq 60); do
    printf '{"mac":"02:22:00:00:%02x:%02x","ip":"10.99.%d.%d","segment":"replay","signal":"http.title","port":80,"value":"page %d","at":"%s"}\n' $((i / 256)) $((i % 256)) \
      $((i / 250)) $((i % 250 + 1)) $RANDOM "$at"
  done >"$file"
  kenshin replay "$file" >/dev/null 2>"$work/replay.err" || { cat "$work/replay.err"; fail "replay beside a running console"; }
  replays=$((replays + 1))
}
pages() {
  for p in '/devices?sort=last_seen&desc=true' '/devices?q=10.1&limit=100' '/observations?limit=100' '/findings?limit=100' /jobs /sweeps /segments '/trail?limit=50'; do
    api GET "$p" >/dev/null || fail "GET $p"
    pages=$((pages + 1))
  done
}

began=$(date +%s)
calm=$((length / 5)) # the last part is undisturbed
[ $calm -le 600 ] || calm=600
round=0
while [ $(($(date +%s) - began)) -lt $((length - calm)) ]; do
  round=$((round + 1))
  case $((RANDOM % 5)) in 0 | 1) import ;; 2) sweep ;; 3) replay ;; 4) pages ;; esac
  if [ $((RANDOM % 3)) = 0 ]; then
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    crash
  else
    sleep $((RANDOM % 4))
  fi
  if [ $((round % 10)) = 0 ]; then
    kenshin trail verify --checkpoint "$work/checkpoint" >"$work/verify" 2>&1 || { cat "$work/verify"; fail "the trail"; }
    say "round $round: $kills kills, ${#asked[@]} imports, ${#sweeps[@]} sweeps, $replays replays, $(rss) MB"
  fi
done

say "the rest undisturbed"
first=$(rss) most=$(rss)
for id in "${asked[@]}"; do # what was asked for before a kill goes on after it
  for ((i = 0; ; i++)); do
    state=$(api GET "/imports/$id" | jq -r .state)
    [ "$state" != done ] || break
    [ $i -lt 60 ] || fail "import $id is still $state"
    sleep 1
  done
done
while [ $(($(date +%s) - began)) -lt "$length" ]; do
  pages
  sleep 2
  m=$(rss)
  [ "$m" -le "$most" ] || most=$m
done
# a slow machine may take its time, as long as it comes forward
where() { api GET '/sweeps?limit=100' | jq -c '[.items[] | select(.state == "running") | {id, phase, done, total, found, asked, frames_sent}]'; }
seen=$(where)
for ((i = 0; $(running) > 0; i++)); do
  [ "$(where)" = "$seen" ] || { seen=$(where) i=0; }
  [ $i -lt 180 ] || { api GET '/jobs?limit=20' | jq -c '.items[] | select(.kind == "sweep")'; fail "sweeps stand still: $seen"; }
  sleep 1
done
failed=$(api GET '/sweeps?limit=100' | jq '[.items[] | select(.state == "failed")] | length')
[ "$failed" = 0 ] || fail "$failed sweeps failed"
have=$(api GET '/devices?q=%E7%AB%AF%E6%9C%AB&limit=1' | jq .total)
last=$(rss)
kill -TERM $pid
wait $pid || fail "serve does not end cleanly"
pid=''
kenshin doctor --listen "127.0.0.1:$port" >"$work/doctor" 2>&1 || { cat "$work/doctor"; fail "the doctor in the end"; }
kenshin trail verify --checkpoint "$work/checkpoint" >"$work/verify" 2>&1 || { cat "$work/verify"; fail "the trail in the end"; }
[ "$have" = $rows ] || fail "$have of $rows imported devices are there"
panics=$(grep -c '^panic\|^fatal error' "$work/serve.log" || true)
[ "$panics" = 0 ] || fail "$panics panics"
say "soak passed: ${length}s, $round rounds, $kills kills, slowest start ${slowest} ms"
say "  ${#asked[@]} imports ($rows devices, all there), $replays replays, $pages pages, ${#sweeps[@]} sweeps (all ended)"
say "  memory in the undisturbed part: $first MB at its start, at most $most MB, $last MB in the end"
say "  database $(du -m "$data/kenshin.db" | cut -f1) MB; $(grep -c 'level=ERROR' "$work/serve.log" || true) errors and $(grep -c 'level=WARN' "$work/serve.log" || true) warnings in the log"
grep -hoE 'level=(ERROR|WARN) msg=("[^"]*"|\S+)' "$work/serve.log" | sort | uniq -c | sort -rn | head -n 10 || true
