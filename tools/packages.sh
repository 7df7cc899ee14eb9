#!/usr/bin/env bash
# Installs the Debian packages that some tests ask for: a database, tools that make file systems, a browser, dig.
# Where it may not (no apt-get, not root, no network) it says so on stderr and exits 0: those tests skip with the reason.
set -uo pipefail

packages=(postgresql openssl e2fsprogs xfsprogs dosfstools mtools ntfs-3g gdisk chromium chromium-driver poppler-utils bind9-dnsutils)

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

if ! command -v apt-get >/dev/null || [[ $(id -u) -ne 0 ]]; then
    echo "packages: ${missing[*]} cannot be installed here; the tests that need them skip" >&2
    exit 0
fi
echo "packages: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1; then
    echo "packages: ${missing[*]} could not be installed; the tests that need them skip" >&2
fi
exit 0
