#!/bin/sh
# Unpacks Debian packages without installing them: nothing of them is run, so they may be for another architecture.
#
#     fetch.sh PACKAGES.LOCK ARCHITECTURE DESTINATION
#
# Below DESTINATION: root/ the files, control/NAME what dpkg would know, packages.lock the versions, packages.sha256.
# Versions are those of the lock file; SKEIN_UPDATE_PACKAGES=1 takes the newest.
set -eu
lock=$1
architecture=$2
destination=$3

mkdir -p "$destination/archives" "$destination/control" "$destination/root/usr"
# Debian's packages still have files by their names from before these became links.
for name in bin lib lib64 sbin; do
  mkdir "$destination/root/usr/$name"
  ln -s "usr/$name" "$destination/root/$name"
done

# apt is to think that this is such a machine.
printf 'APT::Architecture "%s";\nAPT::Architectures { "%s"; };\n' "$architecture" "$architecture" >/etc/apt/apt.conf.d/99architecture
apt-get update -qq
if [ "${SKEIN_UPDATE_PACKAGES:-}" = 1 ]; then versions='{print $1}'; else versions='{print $1 "=" $2}'; fi
wanted=$(awk "/^[a-z]/ $versions" "$lock")
cd "$destination/archives"
# shellcheck disable=SC2086
if ! apt-get download -qq -o APT::Sandbox::User=root $wanted; then
  echo "images: Debian has other versions now than images/packages.lock: 'make images UPDATE=1' takes the newest and writes them down" >&2
  exit 1
fi

for archive in *.deb; do
  name=$(dpkg-deb --field "$archive" Package)
  dpkg-deb --field "$archive" >"$destination/control/$name"
  dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink --no-same-owner -C "$destination/root"
  dpkg-deb --contents "$archive" | awk '{print $6}' | sed 's|^\.||; s|/$||' >"$destination/control/$name.files"
  sha256sum "$archive" | sed "s| .*| $name|" >>"$destination/packages.sha256"
done
sed -n '/^#/p' "$lock" >"$destination/packages.lock"
for name in $(awk '/^[a-z]/ {print $1}' "$lock"); do
  echo "$name $(sed -n 's/^Version: //p' "$destination/control/$name")" >>"$destination/packages.lock"
done
rm -rf "$destination/archives"
