#!/bin/sh
# Makes the Debian packages weir and weir-dbgsym of a binary, for the Debian that it is run on:
#
#   deploy/deb/build.sh BINARY FOLDER      ./dev package does it with build/release/weir
#
# The same binary and the same SOURCE_DATE_EPOCH (left out: the time of the newest commit) make the same
# bytes. Nothing of debhelper is needed: a package of one binary and some files is a folder and dpkg-deb.
set -eu

[ $# -eq 2 ] || {
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
project=$(cd "$(dirname "$0")/../.." && pwd)
binary=$(readlink -f "$1")
mkdir -p "$2"
out=$(cd "$2" && pwd)
: "${SOURCE_DATE_EPOCH:=$(git -C "$project" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022

architecture=$(dpkg --print-architecture)
release=$(. /etc/os-release && echo "$VERSION_ID")
# What is linked differs between releases of Debian, and so does the version: an upgrade of the system
# brings the package that was made for it.
version=$("$binary" --version | sed 's/^weir //')-1+deb$release
# Who makes a package to pass on says so; at example.org nobody reads mail.
maintainer="${DEBFULLNAME:-weir} <${DEBEMAIL:-weir@example.org}>"
build_id=$(readelf -n "$binary" | sed -n 's/^ *Build ID: //p')
[ -n "$build_id" ] || {
  echo "deploy/deb/build.sh: $binary has no build id, so its debug symbols could not be found" >&2
  exit 1
}

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
root=$work/weir
symbols=$work/weir-dbgsym

# --- what is in them ----------------------------------------------------------------------------

put() { install -D -m "$1" "$project/$2" "$root/$3"; }

install -d "$root/usr/bin" "$root/etc/weir/jobs" "$root/usr/share/doc/weir"
debug=$symbols/usr/lib/debug/.build-id/$(echo "$build_id" | cut -c1-2)/$(echo "$build_id" | cut -c3-).debug
install -d "$(dirname "$debug")" "$symbols/usr/share/doc"
objcopy --only-keep-debug --compress-debug-sections "$binary" "$debug"
chmod 644 "$debug"
strip --strip-unneeded --remove-section=.comment -o "$root/usr/bin/weir" "$binary"
ln -s weir "$symbols/usr/share/doc/weir-dbgsym"

for unit in "$project"/deploy/systemd/*.service; do
  put 644 "deploy/systemd/${unit##*/}" "usr/lib/systemd/system/${unit##*/}"
done
put 644 deploy/systemd/weir.sysusers usr/lib/sysusers.d/weir.conf
put 640 deploy/weir.yaml etc/weir/weir.yaml
for page in "$project"/docs/*.md; do
  put 644 "docs/${page##*/}" "usr/share/doc/weir/${page##*/}"
done
put 644 deploy/deb/copyright usr/share/doc/weir/copyright
sed "s/@VERSION@/$version/; s/@MAINTAINER@/$maintainer/; s/@DATE@/$(date -R -d "@$SOURCE_DATE_EPOCH")/" \
  "$project/deploy/deb/changelog" | gzip -9n >"$root/usr/share/doc/weir/changelog.Debian.gz"

install -d "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
  "$root/usr/share/fish/vendor_completions.d"
"$binary" completion bash >"$root/usr/share/bash-completion/completions/weir"
"$binary" completion zsh >"$root/usr/share/zsh/vendor-completions/_weir"
"$binary" completion fish >"$root/usr/share/fish/vendor_completions.d/weir.fish"

# --- what they say of themselves ----------------------------------------------------------------

# What the binary is linked with, at the least versions that have what it calls.
mkdir -p "$work/shlibs/debian"
printf 'Source: weir\nPackage: weir\nArchitecture: any\n' >"$work/shlibs/debian/control"
libraries=$(cd "$work/shlibs" && dpkg-shlibdeps -O --ignore-missing-info "$root/usr/bin/weir" 2>"$work/shlibs/log" |
  sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || {
  cat "$work/shlibs/log" >&2
  echo "deploy/deb/build.sh: dpkg-shlibdeps found no libraries" >&2
  exit 1
}

size_of() { du -k -s --apparent-size "$1/usr" | cut -f1; }
install -d "$root/DEBIAN" "$symbols/DEBIAN"
cat >"$root/DEBIAN/control" <<TEXT
Package: weir
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(size_of "$root")
Depends: $libraries, systemd | systemd-standalone-sysusers
Recommends: ca-certificates, tzdata
Section: net
Priority: optional
Description: stream processor for Kafka: windows, filters, exactly-once results
 weir reads records from Kafka, groups them in windows of their own time and
 writes results exactly once. A job is one YAML file; a manager and any number
 of workers run submitted jobs, or one process runs one job. State and
 checkpoints lie in a directory or in S3.
TEXT
cat >"$symbols/DEBIAN/control" <<TEXT
Package: weir-dbgsym
Source: weir
Version: $version
Auto-Built-Package: debug-symbols
Build-Ids: $build_id
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(size_of "$symbols")
Depends: weir (= $version)
Section: debug
Priority: optional
Description: debug symbols for weir
TEXT
echo /etc/weir/weir.yaml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "$project/deploy/deb/$script" "$root/DEBIAN/$script"
done

# --- their bytes --------------------------------------------------------------------------------

for tree in "$root" "$symbols"; do
  (cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | sort | grep -v '^etc/' |
    xargs -r md5sum) >"$work/md5sums"
  install -m 644 "$work/md5sums" "$tree/DEBIAN/md5sums"
  find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
done
# Symbols are large and fetched by few: a quarter of the time for a tenth more bytes.
for package in weir:4 weir-dbgsym:1; do
  level=${package#*:} package=${package%:*}
  deb=$out/${package}_${version}_$architecture.deb
  # What xz makes depends on whether it has several threads.
  dpkg-deb --root-owner-group --threads-max=1 -Zxz "-z$level" --build "$work/$package" "$deb" >/dev/null
  echo "$deb"
done
