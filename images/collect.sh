#!/bin/sh
# Picks the files of the images out of installed packages, each part into a tree of its own:
#
#     collect.sh PARTS-OF-THE-BUILD DESTINATION
#
# base      what Node.js and every image needs
# git       the program and its helpers for http
# ssh       the client, and what lets it run for users without a name
# git-lfs   large files
#
# A library goes with the first part that needs it. No setuid bits, no documentation, no scripts of perl or shell.
set -eu
build=$1
destination=$2
libraries=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")

# take PART FILE…: the file below the part, and if it is a link, what it leads to, too.
take() {
  part=$1
  shift
  for file in "$@"; do
    [ -e "$file" ] || { echo "collect.sh: $file is not there" >&2; exit 1; }
    # Directories that are links in Debian (/lib, /bin) are taken by their real names.
    real=$(realpath -s "$(realpath "$(dirname "$file")")/$(basename "$file")")
    put "$part" "$real"
    [ ! -L "$real" ] || take "$part" "$(realpath "$real")"
  done
}

put() {
  for taken in base git ssh git-lfs; do
    if [ -e "$destination/$taken$2" ] || [ -L "$destination/$taken$2" ]; then return 0; fi
  done
  mkdir -p "$destination/$1$(dirname "$2")"
  cp -P --preserve=mode "$2" "$destination/$1$2"
}

# program PART FILE…: with the libraries it is linked with.
program() {
  part=$1
  shift
  for file in "$@"; do
    take "$part" "$file"
    libraries_of "$file" | while read -r library; do take "$part" "$library"; done
  done
}

libraries_of() {
  ldd "$1" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p'
}

base() {
  libraries_of "$build/node" | while read -r library; do take base "$library"; done
  take base "$libraries/libnss_files.so.2" "$libraries/libnss_dns.so.2" "$libraries/libresolv.so.2"
  take base /etc/ssl/certs/ca-certificates.crt /etc/mime.types
  mkdir -p "$destination/base/usr/share"
  cp -R --preserve=mode /usr/share/zoneinfo "$destination/base/usr/share/"
  # Twins of the whole tree, and what only `tzselect` reads.
  rm -rf "$destination/base/usr/share/zoneinfo/posix" "$destination/base/usr/share/zoneinfo/right"
  etc=$destination/base/etc
  mkdir -p "$etc/ssh" "$destination/base/tmp" "$destination/base/var/run/argo" "$destination/base/argo" "$destination/base/mainctrfs"
  chmod 1777 "$destination/base/tmp"
  printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'skein:x:8737:8737:skein:/tmp:/sbin/nologin' \
    'nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin' >"$etc/passwd"
  printf '%s\n' 'root:x:0:' 'skein:x:8737:' 'nogroup:x:65534:' >"$etc/group"
  echo 'hosts: files dns' >"$etc/nsswitch.conf"
  cp "$build/ssh_known_hosts" "$etc/ssh/ssh_known_hosts"
  chmod 644 "$etc/ssh/ssh_known_hosts"
  cp /etc/debian_version "$etc/debian_version"
  mkdir -p "$destination/base/usr/lib"
  cp /usr/lib/os-release "$destination/base/usr/lib/os-release"
  ln -s ../usr/lib/os-release "$etc/os-release"
  # Debian has these as links, and programs name their interpreter by them.
  for name in lib lib64; do [ ! -L "/$name" ] || cp -P "/$name" "$destination/base/$name"; done
}

git() {
  program git /usr/bin/git
  core=/usr/lib/git-core
  program git $core/git-remote-http
  take git $core/git-remote-https
  # Found by their names on the way of a file:// URL and by ssh's other end; the programs are in git itself.
  for name in git git-upload-pack git-index-pack; do
    mkdir -p "$destination/git$core"
    ln -sf ../../bin/git "$destination/git$core/$name"
  done
  # git starts ssh, and whatever else a setting names, by a shell.
  program git /bin/sh
  mkdir -p "$destination/git/bin"
  ln -s /usr/bin/dash "$destination/git/bin/sh"
  mkdir -p "$destination/git/usr/share/git-core/templates"
}

ssh() {
  program ssh /usr/bin/ssh
  take ssh "$libraries/libnss_wrapper.so"
  libraries_of "$libraries/libnss_wrapper.so.0" | while read -r library; do take ssh "$library"; done
}

rm -rf "$destination"
for part in base git ssh git-lfs; do mkdir -p "$destination/$part"; done
base
git
ssh
program git-lfs /usr/bin/git-lfs

# Nothing runs as somebody else, and everything can be read by everybody.
find "$destination" -type f -perm /7000 -exec chmod a-s,-t {} +
chmod -R a+rX "$destination"
# For the list of what is in the image.
dpkg-query --show --showformat='${Package}\t${Version}\t${Architecture}\t${source:Package}\n' >"$destination/packages.tsv"
# Debian's own lists have some of the files by their names from before /lib became a link.
owner_of() {
  for name in "$1" "${1#/usr}"; do
    owner=$(dpkg-query --search "$name" 2>/dev/null | grep -v '^diversion' | head -n 1 | cut -d: -f1)
    [ -z "$owner" ] || { echo "$owner"; return; }
  done
  echo -
}
(cd "$destination" && for part in base git ssh git-lfs; do
  find "$part" \( -type f -o -type l \) | sed "s|^$part||" | grep -v '^/usr/share/zoneinfo/.' | sort | while read -r file; do
    printf '%s\t%s\t%s\n' "$part" "$file" "$(owner_of "$file")"
  done
done >files.tsv)
printf 'base\t/usr/share/zoneinfo\ttzdata\n' >>"$destination/files.tsv"
