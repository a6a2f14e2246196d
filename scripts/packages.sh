#!/usr/bin/env bash
# The Debian packages that the tests and the package build need: installed when we are root, else named.
set -euo pipefail

# database, browser with Japanese glyphs, makers' prefixes, PDF reader
packages="postgresql chromium fonts-noto-cjk ieee-data poppler-utils poppler-data"
# decoders of mail, signatures and QR codes that share nothing with ours
packages+=" python3-dkim nkf zbar-tools"
# the fake hospital in network namespaces
packages+=" iproute2 ethtool jq python3 openssl procps iputils-ping nmap arp-scan snmp snmpd lldpd dnsmasq-base
 samba smbclient dcmtk cups-ipp-utils avahi-daemon dbus-daemon lighttpd lighttpd-mod-openssl mosquitto vsftpd
 openssh-server udhcpc wsdd nftables tcpdump"
# mail servers for the drill
packages+=" postfix dovecot-imapd dovecot-lmtpd"
# the .deb and its unit
packages+=" dpkg systemd util-linux curl"

missing=()
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "These Debian packages are missing; the tests that need them will say that they skip:"
  echo "  apt-get install --no-install-recommends ${missing[*]}"
  exit 0
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# a package's service must not start beside whatever runs on this machine
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=yes
fi
trap '[ -z "$made" ] || rm -f $policy' EXIT
apt-get update -q >/dev/null
apt-get install -yq --no-install-recommends "${missing[@]}" >/dev/null
