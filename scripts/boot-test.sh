#!/usr/bin/env bash
# Boots a bare Debian under its own systemd (systemd-nspawn, a network of its own without any way out), installs the .deb in it, and looks at
# what a hospital would: the service starts, starts again at the next boot, survives the power being cut in the middle of an import, is
# brought back when it dies, is upgraded with its data, stays off where somebody switched it off, and goes without a trace when it is purged.
# Needs root, debootstrap (its downloads are kept in BOOT_BASE, if set) and systemd-container; says SKIP where it cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { echo "boot: $*"; }
die() {
  echo "boot: FAIL: $*" >&2
  [ -z "${leader:-}" ] || inside journalctl -u kenshin --no-pager -n 30 >&2 || true
  exit 1
}

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { say "SKIP: needs root to boot a system in namespaces"; exit 0; }
  for tool in debootstrap systemd-nspawn unshare nsenter curl jq; do
    command -v $tool >/dev/null || { say "SKIP: $tool is not installed (apt-get install debootstrap systemd-container)"; exit 0; }
  done
  work=$(mktemp -d)
  base=${BOOT_BASE:-$work/base}
  groups=/sys/fs/cgroup/unified
  [ -e $groups/cgroup.procs ] || groups=/sys/fs/cgroup
  group=$groups/kenshin-boot-$$
  tidy() {
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    rm -rf "$work"
  }
  trap tidy EXIT
  if [ ! -e "$base/lib/systemd/systemd" ]; then
    say "making a bare Debian in $base"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,init-system-helpers,dbus "$(. /etc/os-release; echo "${VERSION_CODENAME:-stable}")" "$base" \
      >"$work/debootstrap.log" 2>&1 || { tail -n 5 "$work/debootstrap.log"; say "SKIP: no bare Debian can be made here"; exit 0; }
  fi
  cp "$(DEB_COMPRESSION=none DEB_VERSION=0.0.1 scripts/package.sh)" "$work/first.deb"
  cp "$(DEB_COMPRESSION=none DEB_VERSION=0.0.2 scripts/package.sh)" "$work/second.deb"
  rm -f dist/kenshin_0.0.1_* dist/kenshin_0.0.2_*
  mkdir "$group" 2>/dev/null || { say "SKIP: no control group can be made here"; exit 0; }
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$PWD/scripts/boot-test.sh" inside "$work" "$base" "$group"
  exit
fi

work=$2 base=$3 group=$4
root=$work/kenshin-boot leader=''
echo 0 >"$group/cgroup.procs"
mount -t tmpfs tmpfs /run # systemd-nspawn keeps its own things there
mkdir -p "$work/upper" "$work/layer" "$root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/layer" "$root" 2>/dev/null || { say "SKIP: this kernel has no overlay here"; exit 0; }
: >"$root/etc/machine-id"
cp "$work"/*.deb "$root/root/"

inside() { nsenter --target "$leader" --mount --uts --ipc --net --pid --root --wd=/ -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb "$@"; }
await() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.3
  done
}
power_on() {
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q --directory "$root" --machine kenshin-boot --register=no --keep-unit --private-network --boot --console=pipe \
    >>"$work/console" 2>&1 </dev/null &
  supervisor=$!
  await 60 pgrep -P $supervisor || { cat "$work/console"; say "SKIP: systemd-nspawn does not start here"; exit 0; }
  leader=$(pgrep -P $supervisor | head -n 1)
  await 120 up || die "systemd does not come up: $(inside systemctl is-system-running 2>&1)"
}
up() { case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) false ;; esac; }
gone() { ! kill -0 "$supervisor" 2>/dev/null; }
power_cut() {
  kill -KILL "$leader" # the first process of its namespace: nothing in there lives on
  await 30 gone || kill -KILL "$supervisor"
  wait "$supervisor" 2>/dev/null || true
  # the supervisor's own cgroup is left as it is: the next one starts in the same
  echo 0 >"$group/cgroup.procs"
  find "$group" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
}
shutdown() {
  inside systemctl poweroff >/dev/null 2>&1 || true
  await 90 gone || die "the system does not go down"
  wait "$supervisor" 2>/dev/null || true
  echo 0 >"$group/cgroup.procs"
  find "$group" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
}
health() { nsenter --target "$leader" --net -- curl -fsS --max-time 2 http://127.0.0.1:8470/api/v1/health; }
answers() { await "$1" health || die "the console does not answer $2"; }
api() { # METHOD PATH [curl's arguments]
  local method=$1 path=$2
  shift 2
  nsenter --target "$leader" --net -- curl -sS --fail-with-body --max-time 60 -X "$method" -H "Authorization: Bearer $token" "$@" "http://127.0.0.1:8470/api/v1$path"
}
property() { inside systemctl show --value --property "$1" kenshin; }

power_on
inside dpkg -i /root/first.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; die "it does not install on a bare Debian"; }
answers 30 "after it was installed"
[ "$(property ActiveState) $(property UnitFileState)" = "active enabled" ] || die "after installing: $(property ActiveState) $(property UnitFileState)"
inside journalctl -u kenshin --no-pager | grep -q 'setup?code=' || die "the setup code is not in the journal"
main=$(property MainPID)
inside grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$main/status" >"$work/status"
uid=$(inside id -u kenshin)
awk -v uid="$uid" '/^Uid:/ {u = $2 == uid && $3 == uid} /^Cap(Eff|Bnd):/ {c += $2 == "0000000000002000"} /^NoNewPrivs:/ {n = $2} /^Seccomp:/ {s = $2 == 2} END {exit !(u && c == 2 && n && s)}' "$work/status" ||
  { cat "$work/status"; die "the service has not its own user, CAP_NET_RAW alone, no new rights, a filter of system calls"; }
[ "$(inside stat -c '%U %a' /var/lib/kenshin)" = "kenshin 700" ] || die "the data folder is not the service's own"

printf 'only for this test, 2026\n' | inside kenshin user add --data /var/lib/kenshin --email a@example.jp --role admin --facility-name Boot --password-stdin >/dev/null 2>&1
token=$(inside kenshin token add --data /var/lib/kenshin --name boot --role admin 2>/dev/null)
inside kenshin trail checkpoint --data /var/lib/kenshin --out /root/checkpoint >/dev/null 2>&1
rows=3000
awk -v n=$rows 'BEGIN { print "管理番号,機器名,IPアドレス,MACアドレス"; for (i = 0; i < n; i++) printf "B-%05d,端末%d,10.9.%d.%d,02:12:00:00:%02x:%02x\n", i, i, i / 250, i % 250 + 1, i / 256, i % 256 }' >"$work/ledger.csv"
import=$(api POST /imports -F "file=@$work/ledger.csv;filename=ledger.csv" | jq -r .id)
api POST "/imports/$import/apply" >/dev/null
sleep 0.5
power_cut
power_on
answers 60 "after the power was cut"
[ "$(property NRestarts)" = 0 ] || die "it needed $(property NRestarts) tries to start after a power cut"
finished() { [ "$(api GET "/imports/$import" | jq -r .state)" = "done" ]; }
await 120 finished || die "the import is $(api GET "/imports/$import" | jq -r .state) after the power cut"
devices() { api GET '/devices?limit=1' | jq .total; }
[ "$(devices)" = $rows ] || die "$(devices) of $rows devices after the power cut"
inside kenshin trail verify --data /var/lib/kenshin --checkpoint /root/checkpoint >/dev/null || die "the trail after the power cut"

was=$(property MainPID)
inside kill -KILL "$was"
back() { health && [ "$(property MainPID)" != "$was" ]; }
await 30 back || die "it does not come back after it died"

inside dpkg -i /root/second.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg"; die "it does not upgrade"; }
newer() { [ "$(health | jq -r .version)" = 0.0.2 ]; }
await 60 newer || die "after the upgrade the version is $(health)"
[ "$(devices)" = $rows ] || die "the upgrade lost devices: $(devices)"

inside systemctl stop kenshin || die "it does not stop"
[ "$(property Result)" = success ] || die "it does not stop cleanly: $(property Result)"
inside systemctl start kenshin
answers 30 "after it was stopped and started"
shutdown
power_on
answers 60 "at the boot after a clean shutdown"

inside systemctl disable --now kenshin >/dev/null 2>&1
inside dpkg -i /root/first.deb >/dev/null 2>&1 || die "another version does not install where it is switched off"
[ "$(property UnitFileState)" = disabled ] || die "installing switched it on again: $(property UnitFileState)"
inside systemctl enable --now kenshin >/dev/null 2>&1
answers 30 "after it was switched on again"

inside dpkg -r kenshin >/dev/null 2>&1 || die "it cannot be removed"
! inside pgrep -x kenshin >/dev/null 2>&1 || die "it runs on after its removal"
inside test -s /var/lib/kenshin/kenshin.db || die "removing the program took the ledger with it"
shutdown
power_on
failed=$(inside systemctl list-units --failed --plain --no-legend | grep -i kenshin || true)
[ -z "$failed" ] || die "after removal and a boot: $failed"
inside dpkg -i /root/second.deb >/dev/null 2>&1 || die "it cannot be installed again"
answers 60 "after it was installed again"
[ "$(devices)" = $rows ] || die "after it was installed again: $(devices) devices"
inside dpkg -P kenshin >/dev/null 2>&1 || die "it cannot be purged"
for p in /var/lib/kenshin /etc/default/kenshin /lib/systemd/system/kenshin.service /etc/systemd/system/multi-user.target.wants/kenshin.service /etc/systemd/system/kenshin.service; do
  ! inside test -e "$p" && ! inside test -L "$p" || die "purging leaves $p"
done
! inside getent passwd kenshin >/dev/null || die "purging leaves the user"
shutdown
say "on a booted $(. "$base/etc/os-release"; echo "$PRETTY_NAME"): installed on a bare system, at work after boots, a power cut in an import, a kill; upgraded, switched off and on, removed, installed again with its data, purged"
