#!/usr/bin/env bash
# Installs missing Debian packages of the tests. Leaves none of their services enabled or running: the tests start
# their own servers.
set -euo pipefail

say() { printf '%s\n' "packages: $*"; }

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "nothing is installed (that needs root and apt-get); tests whose programs are missing are skipped."
    exit 0
fi

# A package a line; of alternatives, separated by "|", the first in this release is taken.
wanted() {
    cat <<'EOF'
make
git
python3-venv
ca-certificates
openssh-server
openssh-client
sudo
systemd-container
dbus
iproute2
acl
selinux-utils
valkey-server|redis-server
postgresql
mariadb-server-core
rabbitmq-server
dash
zsh
direnv
nodejs
docker-compose
docker.io|docker-ce
docker-cli|docker-ce-cli
gitleaks
runit
zstd
chromium
EOF
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
available() { apt-cache show "$1" >/dev/null 2>&1; }
enabled_units() { systemctl --root=/ list-unit-files --state=enabled --no-legend 2>/dev/null | awk '{print $1}' | sort || true; }

missing=()
while IFS= read -r line; do
    IFS='|' read -ra alternatives <<<"$line"
    for package in "${alternatives[@]}"; do
        installed "$package" && continue 2
    done
    missing+=("$line")
done < <(wanted)
if [ ${#missing[@]} -eq 0 ]; then
    say "all are installed."
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -o DPkg::Lock::Timeout=300 -qq)
"${apt[@]}" update || say "the package lists could not be brought up to date; going on with those that are here."
packages=()
for line in "${missing[@]}"; do
    IFS='|' read -ra alternatives <<<"$line"
    for package in "${alternatives[@]}"; do
        if available "$package"; then
            packages+=("$package")
            continue 2
        fi
    done
    say "this release has no ${line//|/ or }; tests that need it are skipped."
done
[ ${#packages[@]} -gt 0 ] || exit 0

# A policy of 101 forbids maintainer scripts to start services. An existing policy stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
before=$(enabled_units)
say "installing ${packages[*]}"
"${apt[@]}" install --yes --no-install-recommends "${packages[@]}" </dev/null >/dev/null
mapfile -t new < <(comm -13 <(printf '%s\n' "$before") <(enabled_units) | grep -E '^(ssh|valkey|redis|postgresql|rabbitmq|epmd|docker|containerd)')
if [ ${#new[@]} -gt 0 ]; then
    say "leaving disabled: ${new[*]}"
    systemctl --root=/ --quiet disable "${new[@]}"
fi
