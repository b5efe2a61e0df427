#!/bin/sh
# A stranger's walk: runs a command of this project, as committed, in an empty Debian that has nothing
# but its base system. As root, with debootstrap installed:
#
#   tests/fresh_root.sh trixie   ./dev test --quick
#   tests/fresh_root.sh bookworm ./dev demo
#
# The root is made once in WEIR_ROOTS (/var/tmp/weir-roots by default) and kept, with all that was
# installed in it; remove it there to start from nothing again. Extra certificate authorities of this
# machine are known in it too, and its variables that name a certificate file.
set -eu

[ $# -ge 2 ] || {
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
suite=$1
shift
project=$(cd "$(dirname "$0")/.." && pwd)
root=${WEIR_ROOTS:-/var/tmp/weir-roots}/$suite

if [ ! -e "$root/complete" ]; then
  rm -rf "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    exit 1
  }
  touch "$root/complete"
fi
mkdir -p "$root/usr/local/share/ca-certificates" "$root/etc/ssl/certs"
find /usr/local/share/ca-certificates -name '*.crt' \
  -exec cp {} "$root/usr/local/share/ca-certificates/" \;
[ -e "$root/etc/ssl/certs/ca-certificates.crt" ] ||
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp /etc/resolv.conf "$root/etc/resolv.conf"

rm -rf "$root/srv/weir"
git clone -q "file://$project" "$root/srv/weir"

unmount() {
  for place in proc sys dev/shm dev; do
    if mountpoint -q "$root/$place"; then umount "$root/$place" || true; fi
  done
}
trap unmount EXIT
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/sys" || mount --bind /sys "$root/sys"
mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
mountpoint -q "$root/dev/shm" || mount --bind /dev/shm "$root/dev/shm"

certificates=$(env | sed -n 's/^\([A-Z_]*\(CERT\|SSL\|CA_BUNDLE\)[A-Z_]*=\/[^ ]*\)$/\1/p')
# shellcheck disable=SC2086 # A list of words.
env -i HOME=/srv TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  LANG=C.UTF-8 $certificates chroot "$root" sh -c 'cd /srv/weir && exec "$@"' sh "$@"
