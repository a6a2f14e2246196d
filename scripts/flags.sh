#!/usr/bin/env bash
# The flags that the program is built and tested with. What runs once a frame, a row or a hit is built as ever; all else, which runs once a request or once a
# start, is built without inlining: 5 MB less, and no figure of the bench moves. The last pattern that fits a package decides.
set -euo pipefail
cold="net/... crypto/tls crypto/x509/... html/... text/... encoding/... image/... archive/... mime/... regexp/... log/... go/... flag database/..."
hot="kenshin/store kenshin/observation kenshin/ledger kenshin/identify/... kenshin/netid kenshin/jp kenshin/drill kenshin/drill/hit kenshin/drill/internal/... kenshin/outside kenshin/paper kenshin/trail
  net/netip encoding/json encoding/hex encoding/base64 encoding/binary modernc.org/... golang.org/x/crypto/... github.com/gopacket/gopacket/..."
flags="-trimpath -gcflags=all=-l -gcflags=std="
for p in $cold; do flags+=" -gcflags=$p=-l"; done
for p in $hot; do flags+=" -gcflags=$p="; done
echo "$flags"
