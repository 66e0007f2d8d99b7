#!/usr/bin/env bash
# Installs the real FTP, news and mail servers, Redis, and the clients that the live tests use, on Debian or Ubuntu:
# npm run servers
#
# The daemons exclude one another as packages, and an installed one starts by itself. So none is installed: each is
# unpacked into a folder of its own, and nothing of this machine's own servers is touched. INN insists on the account
# "news", which Debian and Ubuntu have from the start (uid 9), but has its files in folders of the tests: /etc/news,
# /var/lib/news and /var/spool/news are neither read nor written. What the machine gets:
#   - those it lacks of the libraries the daemons need, of pyftpdlib, lftp, curl, openssl and Chromium, with apt-get; a
#     package that is installed already is not upgraded
#   - the folder $POLYWIRE_SERVERS (default: /opt/polywire-servers); the first test that wants 100,000 articles puts them
#     there, too (130 MB)
#   - links from /usr/lib/dovecot and /usr/bin/doveconf to that folder, the only places where Dovecot looks for its parts;
#     where Dovecot is installed, its missing parts in their place
#   - a system account "Debian-exim", as Exim's own package makes it: no Exim starts without
#   - a system account "polywire" with a random password (kept in that folder, for root only), and the PAM file /etc/pam.d/polywire
# To undo: rm -r /opt/polywire-servers /etc/pam.d/polywire; userdel polywire; find /usr/lib/dovecot /usr/bin/doveconf -xtype l -delete
# (links that lead nowhere now); and where no Exim is installed: userdel Debian-exim
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
vsftpd    usr/sbin/vsftpd         vsftpd
proftpd   usr/sbin/proftpd        proftpd-core proftpd-mod-crypto
pureftpd  usr/sbin/pure-ftpd      pure-ftpd pure-ftpd-common
inetutils usr/sbin/ftpd           inetutils-ftpd
inn       usr/lib/news/bin/innd   inn2 inn2-inews sasl2-bin
cyrus     usr/lib/cyrus/bin/pop3d cyrus-nntpd cyrus-imapd cyrus-pop3d cyrus-common
dovecot   usr/sbin/dovecot        dovecot-core dovecot-imapd dovecot-pop3d dovecot-submissiond dovecot-lmtpd
postfix   usr/sbin/postfix        postfix
exim      usr/sbin/exim4          exim4-daemon-heavy
redis     usr/bin/redis-server    redis-server redis-tools"
tools="python3 python3-pyftpdlib python3-openssl lftp curl openssl netbase libpam-modules libsasl2-modules"
# Ubuntu has Chromium as a snap only: pages are not looked at there.
[ "$(. /etc/os-release && echo "$ID")" = ubuntu ] || tools+=" chromium fonts-dejavu-core"

updated=
update() {
  [ -n "$updated" ] || apt-get -q update >"$dir/apt.log" 2>&1 || cat "$dir/apt.log" >&2 # a stale mirror may still do
  updated=yes
}

# Those of the packages that are not installed.
missing() {
  local package
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# Installs the packages that are missing; those that are there stay as they are. Their daemons, should a dependency
# bring one, are not started.
need() {
  local packages
  mapfile -t packages < <(missing "$@")
  [ ${#packages[@]} != 0 ] || return 0
  update
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    made=yes
  fi
  local ok=yes
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${packages[@]}" \
    </dev/null >"$dir/apt.log" 2>&1 || ok=
  [ -z "$made" ] || rm -f "$policy"
  [ -n "$ok" ] || { cat "$dir/apt.log" >&2; exit 1; }
}

# The library packages that .deb files depend on (the first of each choice). Perl's and the virus scanner's belong to
# programs that we do not run.
libraries() {
  local deb
  for deb; do dpkg-deb -f "$deb" Depends; echo; done |
    tr ',' '\n' | sed -E 's/^ *([^ :|]+).*/\1/' | grep '^lib' | grep -v -e '-perl$' -e '^libclamav' | sort -u || true
}

# Downloads and unpacks one server beside its place. Nothing of it needs the rights of a setuid program.
fetch() {
  local kind=$1 program=$2 part="$dir/.new-$1" deb
  shift 2
  [ ! -x "$dir/$kind/$program" ] || return 0
  rm -rf "$part" && mkdir -p "$part/debs"
  update
  (cd "$part/debs" && apt-get -q -o APT::Sandbox::User=root download "$@" >"$dir/apt.log" 2>&1) ||
    { cat "$dir/apt.log" >&2; exit 1; }
  for deb in "$part"/debs/*.deb; do
    dpkg-deb -x "$deb" "$part"
  done
  chmod -R ug-s "$part"
  dpkg-deb -f "$(ls "$part"/debs/"$1"_*.deb)" Version >"$part/version"
}

# Puts a server that was fetched, and has its libraries, into its place: in full or not at all.
settle() {
  local kind=$1 part="$dir/.new-$1"
  [ -d "$part" ] || return 0
  rm -rf "$part/debs" "${dir:?}/$kind" && mv "$part" "$dir/$kind"
}

# vsftpd and inetutils know system accounts only. The password is nobody's business: the tests read it from the file.
account() {
  if [ ! -s "$dir/password" ]; then
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password")
  fi
  id polywire >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir / --shell /bin/sh polywire
  id Debian-exim >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir /var/spool/exim4 --shell /usr/sbin/nologin Debian-exim
  # Random, and so as good with few rounds: hashed as Debian does, a login takes 20 ms or more of CPU, and 64 of them at
  # once are what is measured.
  echo "polywire:$(cat "$dir/password")" | chpasswd --crypt-method SHA256 --sha-rounds 1000
  # For vsftpd, see its pam_service_name; inetutils reads the shadow file itself.
  printf 'auth required pam_unix.so nodelay\naccount required pam_unix.so\n' >/etc/pam.d/polywire
}

# Dovecot knows its programs and modules by the places they have on Debian. A Dovecot of this machine's own is of the same
# release, and lends its place; a link of another run that leads somewhere stays.
dovecot_links() {
  local path
  if [ -d /usr/lib/dovecot ] && [ ! -L /usr/lib/dovecot ]; then
    need dovecot-imapd dovecot-pop3d dovecot-submissiond dovecot-lmtpd
    return
  fi
  for path in /usr/lib/dovecot /usr/bin/doveconf; do
    [ -e "$path" ] || ln -sfn "$dir/dovecot$path" "$path"
  done
}

while read -r kind program packages; do
  # shellcheck disable=SC2086 # one word per package
  fetch "$kind" "$program" $packages </dev/null
done <<<"$servers"
shopt -s nullglob
# shellcheck disable=SC2046,SC2086 # one word per package
need $tools $(libraries "$dir"/.new-*/debs/*.deb)
while read -r kind _; do
  settle "$kind"
done <<<"$servers"
account
dovecot_links

row() { printf '%-10s %-24s %s\n' "$@"; }
version() { dpkg-query -W -f '${Version}' "$1"; }
row SERVER VERSION PATH
while read -r kind program _; do
  row "$kind" "$(<"$dir/$kind/version")" "$dir/$kind/$program"
done <<<"$servers"
row pyftpdlib "$(version python3-pyftpdlib)" "/usr/bin/python3 -m pyftpdlib"
for tool in lftp curl openssl chromium; do
  [ -n "$(missing $tool)" ] || row "$tool" "$(version $tool)" "$(command -v $tool)"
done
