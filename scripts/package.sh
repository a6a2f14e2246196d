#!/usr/bin/env bash
# dist/kenshin_VERSION_ARCH.deb: one static binary, a hardened unit, a user of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v dpkg-deb >/dev/null || { echo "dpkg-deb is missing: apt-get install dpkg" >&2; exit 1; }
version=${DEB_VERSION:-$(sed -nE 's/^## \[?([0-9][^] ]*)\]?.*/\1/p' CHANGELOG.md | head -n 1)}
version=${version:-0.1.0}
arch=${DEB_ARCH:-$(dpkg --print-architecture)}
case $arch in amd64) goarch=amd64 ;; arm64) goarch=arm64 ;; *) echo "no build for $arch" >&2; exit 1 ;; esac
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
GOARCH=$goarch scripts/build.sh "$version" "$root/usr/bin/kenshin"
install -Dm644 packaging/kenshin.service "$root/lib/systemd/system/kenshin.service"
install -Dm640 packaging/debian/kenshin.default "$root/etc/default/kenshin"
install -Dm644 packaging/debian/copyright "$root/usr/share/doc/kenshin/copyright"
install -Dm644 README.md README.ja.md -t "$root/usr/share/doc/kenshin"
cp -r docs/guide "$root/usr/share/doc/kenshin/guide"
gzip -9nc CHANGELOG.md >"$root/usr/share/doc/kenshin/changelog.gz"
[ ! -e web/asset/dist/app.js.LEGAL.txt ] || install -Dm644 web/asset/dist/app.js.LEGAL.txt "$root/usr/share/doc/kenshin/third-party-scripts.txt"
mkdir -p "$root/DEBIAN"
for s in postinst prerm postrm; do install -m755 "packaging/debian/$s" "$root/DEBIAN/$s"; done
echo /etc/default/kenshin >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<X
Package: kenshin
Version: $version
Architecture: $arch
Maintainer: The Kenshin authors <kenshin@localhost>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: passwd, init-system-helpers
Recommends: ieee-data, chromium, fonts-noto-cjk
Section: net
Priority: optional
Description: health check-up for a hospital's network
 Finds every device, says what is weak and what to do first, and keeps the
 ledger that an inspection asks for. One program, no second service.
X
mkdir -p dist
dpkg-deb -Z"${DEB_COMPRESSION:-xz}" --root-owner-group --build "$root" "dist/kenshin_${version}_${arch}.deb" >/dev/null
echo "dist/kenshin_${version}_${arch}.deb"
