#!/bin/sh
# Builds librdkafka from Debian 13's source package, once, into the cache, and prints the folder.
#
# Debian 12's own librdkafka is 2.0.2, which cannot renew a login and may give up for good after a
# disconnect inside a transaction; weir asks for 2.8. The source comes through apt with a list file and
# state folders of its own: the machine's apt set-up is read (which mirror, which keys) and not changed.
set -eu

version=2.8.0
cache=${WEIR_CACHE:-$HOME/.cache/weir}
target=$cache/librdkafka-$version
jobs=${WEIR_JOBS:-2}

if [ -f "$target/lib/pkgconfig/rdkafka.pc" ]; then
  echo "$target"
  exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-librdkafka.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
log=$cache/librdkafka-$version.log
mkdir -p "$cache" "$work/lists/partial" "$work/archives/partial" "$work/src"

# The mirror is the one this machine installs Debian from, whatever it is called.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == release && $3 == "main" { print $1; exit }')
if [ -z "$mirror" ]; then
  echo "deploy/build/librdkafka.sh: no Debian mirror in the apt configuration; a line 'deb MIRROR $(. /etc/os-release && echo "$VERSION_CODENAME") main' in /etc/apt/sources.list is needed" >&2
  exit 1
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
signed=""
[ -f "$keyring" ] && signed="[signed-by=$keyring] "
echo "deb-src ${signed}$mirror trixie main" >"$work/sources.list"

own_apt() {
  apt-get -q -y \
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o Dir::Cache::archives="$work/archives" -o APT::Sandbox::User=root "$@"
}

build() {
  own_apt update
  cd "$work/src"
  own_apt source --only-source librdkafka
  cd librdkafka-"$version"*/
  # SCRAM and OAUTHBEARER are librdkafka's own; Kerberos alone would need libsasl2. Threads of the C
  # library itself are invisible to the thread sanitizer, those over pthread are not.
  ./configure --prefix="$work/out" --libdir="$work/out/lib" --disable-c11threads \
    --disable-gssapi --enable-ssl --enable-zlib --enable-zstd --enable-lz4-ext --enable-curl
  nice make -j"$jobs" libs
  make -C src install # The C library alone: weir does not use the C++ wrapper.
}

# Not as part of a condition: there the shell would run on after a step that failed.
set +e
(set -e && build) >"$log" 2>&1 </dev/null
status=$?
set -e
if [ "$status" -ne 0 ]; then
  tail -n 30 "$log" >&2
  echo "deploy/build/librdkafka.sh: building librdkafka $version failed; all of it is in $log" >&2
  exit 1
fi

# The .pc files name the folder they were installed into; the folder moves as a whole, so that a
# build that was cut off never looks like a finished one.
sed -i "s|$work/out|$target|g" "$work"/out/lib/pkgconfig/*.pc
rm -rf "$target"
mkdir -p "$(dirname "$target")"
mv "$work/out" "$target"
echo "$target"
