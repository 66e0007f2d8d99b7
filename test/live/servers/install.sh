#!/usr/bin/env bash
# Installs the real FTP servers and clients that the live tests use, on Debian or Ubuntu: npm run servers
#
# The FTP daemons exclude one another as packages, and an installed one starts by itself. So none is installed: each
# is unpacked into a folder of its own, and nothing of this machine's own servers is touched. What the machine gets:
#   - the libraries the daemons need, pyftpdlib, lftp, curl and openssl, with apt-get
#   - the folder $POLYWIRE_SERVERS (default: /opt/polywire-servers)
#   - a system account "polywire" with a random password (kept in that folder, for root only), and the PAM file /etc/pam.d/polywire
# To undo: rm -r /opt/polywire-servers /etc/pam.d/polywire; userdel polywire
set -euo pipefail

if [ "$(id -u)" != 0 ]; then
  exec sudo POLYWIRE_SERVERS="${POLYWIRE_SERVERS:-}" bash "$0"
fi
if ! command -v apt-get >/dev/null; then
  echo "The live test servers are Debian packages, and this machine has no apt-get. Try a Debian 12 container." >&2
  exit 1
fi

dir=${POLYWIRE_SERVERS:-/opt/polywire-servers}
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9 # two runs at once: the second waits, and finds all done

# Kind, program inside its folder, packages
servers="\
vsftpd    usr/sbin/vsftpd    vsftpd
proftpd   usr/sbin/proftpd   proftpd-core proftpd-mod-crypto
pureftpd  usr/sbin/pure-ftpd pure-ftpd pure-ftpd-common
inetutils usr/sbin/ftpd      inetutils-ftpd"
tools="python3 python3-pyftpdlib python3-openssl lftp curl openssl netbase libpam-modules"

updated=
update() {
  [ -n "$updated" ] || apt-get -q update >"$dir/apt.log" 2>&1 || cat "$dir/apt.log" >&2 # a stale mirror may still do
  updated=yes
}

installed() { dpkg-query -W -f '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed || true; }

# Installs the packages that are missing. Their daemons, should a dependency bring one, are not started.
need() {
  [ "$(installed "$@")" != "$#" ] || return 0
  update
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    made=yes
  fi
  local ok=yes
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" </dev/null >"$dir/apt.log" 2>&1 || ok=
  [ -z "$made" ] || rm -f "$policy"
  [ -n "$ok" ] || { cat "$dir/apt.log" >&2; exit 1; }
}

# The library packages named in a .deb's dependencies (the first of each choice).
libraries() { dpkg-deb -f "$1" Depends | tr ',' '\n' | sed -E 's/^ *([^ :|]+).*/\1/' | grep '^lib' || true; }

# Downloads and unpacks one server, in full or not at all.
unpack() {
  local kind=$1 program=$2 part="$dir/.new-$1" deb
  shift 2
  [ ! -x "$dir/$kind/$program" ] || return 0
  rm -rf "$part" && mkdir -p "$part/debs"
  update
  (cd "$part/debs" && apt-get -q -o APT::Sandbox::User=root download "$@" >"$dir/apt.log" 2>&1) ||
    { cat "$dir/apt.log" >&2; exit 1; }
  for deb in "$part"/debs/*.deb; do
    # shellcheck disable=SC2046 # one word per package
    need $(libraries "$deb")
    dpkg-deb -x "$deb" "$part"
  done
  dpkg-deb -f "$(ls "$part"/debs/"$1"_*.deb)" Version >"$part/version"
  rm -rf "$part/debs" "${dir:?}/$kind" && mv "$part" "$dir/$kind"
}

# vsftpd and inetutils know system accounts only. The password is nobody's business: the tests read it from the file.
account() {
  if [ ! -s "$dir/password" ]; then
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password")
  fi
  id polywire >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir / --shell /bin/sh polywire
  echo "polywire:$(cat "$dir/password")" | chpasswd
  # For vsftpd, see its pam_service_name; inetutils reads the shadow file itself.
  printf 'auth required pam_unix.so nodelay\naccount required pam_unix.so\n' >/etc/pam.d/polywire
}

# shellcheck disable=SC2086 # one word per package
need $tools
while read -r kind program packages; do
  # shellcheck disable=SC2086
  unpack "$kind" "$program" $packages </dev/null
done <<<"$servers"
account

row() { printf '%-10s %-24s %s\n' "$@"; }
version() { dpkg-query -W -f '${Version}' "$1"; }
row SERVER VERSION PATH
while read -r kind program _; do
  row "$kind" "$(cat "$dir/$kind/version")" "$dir/$kind/$program"
done <<<"$servers"
row pyftpdlib "$(version python3-pyftpdlib)" "/usr/bin/python3 -m pyftpdlib"
for tool in lftp curl openssl; do
  row "$tool" "$(version $tool)" "$(command -v $tool)"
done
