#!/bin/sh
# Installs the packages that files are picked from, in exactly the versions of the lock file.
#
#     install.sh PACKAGES.LOCK
#
# A version that the archive no longer has (a security update took its place) is an error that says how to go on.
set -eu
lock=$1
export DEBIAN_FRONTEND=noninteractive

wanted=$(sed -n 's/^\([a-z0-9.+-]*\) \(.*\)$/\1=\2/p' "$lock" | grep -v '^#')
apt-get update -qq
if [ "${SKEIN_UPDATE_PACKAGES:-}" = 1 ]; then
  wanted=$(printf '%s\n' "$wanted" | sed 's/=.*//')
fi
# shellcheck disable=SC2086
if ! apt-get install -y -qq --no-install-recommends $wanted >/tmp/install.log 2>&1; then
  cat /tmp/install.log >&2
  echo "images: the versions in images/packages.lock cannot be installed; 'make images UPDATE=1' takes the newest and writes them down" >&2
  exit 1
fi
rm -rf /tmp/install.log /var/lib/apt/lists /var/cache/apt
