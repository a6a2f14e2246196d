#!/usr/bin/env bash
# Installs, upgrades, removes and purges the .deb in a throw-away copy of this system (an overlay inside a private mount namespace), runs
# the unit's own command as its own user with its one right, cuts its power, and runs it again. Needs root; says SKIP where it cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { echo "package: $*"; }
die() { echo "package: FAIL: $*" >&2; exit 1; }

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { say "SKIP: needs root for a private mount namespace"; exit 0; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp "$(DEB_COMPRESSION=none DEB_VERSION=0.0.1 scripts/package.sh)" "$work/first.deb"
  cp "$(DEB_COMPRESSION=none DEB_VERSION=0.0.2 scripts/package.sh)" "$work/second.deb"
  rm -f dist/kenshin_0.0.1_* dist/kenshin_0.0.2_*
  unshare --mount --net --pid --fork --kill-child --propagation private "$PWD/scripts/package-test.sh" inside "$work"
  exit
fi

work=$2
layers=$work/layers root=$work/root
mkdir -p "$layers" "$root"
mount -t tmpfs -o size=2g tmpfs "$layers"
mkdir -p "$layers/upper" "$layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" "$root" 2>/dev/null || { say "SKIP: this kernel has no overlay here"; exit 0; }
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
ip link set lo up
cp "$work"/*.deb "$root/tmp/"
in_root() { chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
state() { in_root dpkg-query -W -f='${Status} ${Version}' kenshin 2>/dev/null || echo absent; }

in_root dpkg --force-depends -i /tmp/first.deb >/dev/null 2>"$work/err" || { cat "$work/err"; die "it does not install"; }
[ "$(state)" = "install ok installed 0.0.1" ] || die "after installing: $(state)"
[ -L "$root/etc/systemd/system/multi-user.target.wants/kenshin.service" ] || die "it does not start at boot"
[ "$(stat -c '%U %a' "$root/var/lib/kenshin" 2>/dev/null || in_root stat -c '%U %a' /var/lib/kenshin)" = "kenshin 700" ] ||
  in_root stat -c '%U %a' /var/lib/kenshin | grep -qx 'kenshin 700' || die "the data folder is not the service's own"
in_root systemd-analyze verify /lib/systemd/system/kenshin.service 2>&1 | grep -iE 'kenshin.service.*(error|unknown|failed|invalid)' && die "the unit has errors"

exec_start=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/kenshin.service" | sed 's/ \$KENSHIN_OPTIONS//')
start() { # the unit's own command, user and capability, without systemd
  chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 setpriv --reuid kenshin --regid kenshin --clear-groups --no-new-privs \
    --inh-caps +net_raw --ambient-caps +net_raw --bounding-set -all,+net_raw $exec_start >"$work/serve.log" 2>&1 &
  pid=$!
  for _ in $(seq 100); do
    if curl -fsS -o /dev/null http://127.0.0.1:8470/api/v1/health 2>/dev/null; then return 0; fi
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/serve.log"
  die "the service does not answer"
}
start
grep -Eq 'CapEff:\s*0000000000002000' "$root/proc/$pid/status" || die "its rights are not CAP_NET_RAW alone: $(grep CapEff "$root/proc/$pid/status")"
kill -KILL $pid; wait $pid 2>/dev/null || true   # the power goes
start
kill -TERM $pid; wait $pid || die "it does not end cleanly"
in_root /usr/bin/kenshin doctor --data /var/lib/kenshin >"$work/doctor" 2>&1 || { cat "$work/doctor"; die "doctor finds the data ill after a power cut"; }

in_root dpkg --force-depends -i /tmp/second.deb >/dev/null 2>"$work/err" || { cat "$work/err"; die "it does not upgrade"; }
[ "$(state)" = "install ok installed 0.0.2" ] || die "after upgrading: $(state)"
[ -s "$root/var/lib/kenshin/kenshin.db" ] || die "the upgrade lost the data"
start
kill -TERM $pid; wait $pid || die "the upgraded one does not end cleanly"

in_root dpkg -r kenshin >/dev/null 2>&1 || die "it cannot be removed"
[ ! -e "$root/usr/bin/kenshin" ] || die "the program stays after removal"
[ -s "$root/var/lib/kenshin/kenshin.db" ] || die "removing the program took the ledger with it"
in_root dpkg -P kenshin >/dev/null 2>&1 || die "it cannot be purged"
for p in /var/lib/kenshin /etc/default/kenshin /etc/systemd/system/multi-user.target.wants/kenshin.service; do
  [ ! -e "$root$p" ] && [ ! -L "$root$p" ] || die "purging leaves $p"
done
in_root getent passwd kenshin >/dev/null && die "purging leaves the user"
say "installed, started as its own user with CAP_NET_RAW alone, survived a power cut, upgraded, removed, purged"
