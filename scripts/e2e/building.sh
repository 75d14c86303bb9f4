# Sourced by what builds programs for the slow suites into .tools/bin: each is built from its published module, once.

missing=()
need() { # need PROGRAM WHAT-IT-IS-FOR DEBIAN-PACKAGE
  command -v "$1" >/dev/null || missing+=("$1: $2 (Debian: apt-get install $3)")
}

say_missing() { # say_missing SUITE: ends the script when something is missing
  if [ ${#missing[@]} -gt 0 ]; then
    printf '%s: this machine lacks\n' "$1" >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
}

checksum() { cat "$@" | sha256sum | cut -d' ' -f1; }

# once NAME HOW-LONG FILE… -- COMMAND…: runs the command, which leaves .tools/bin/NAME.new, unless the files are unchanged.
once() {
  local name=$1 how_long=$2 inputs=() wanted
  shift 2
  while [ "$1" != -- ]; do
    inputs+=("$1")
    shift
  done
  shift
  local program=.tools/bin/$name stamp=.tools/bin/$name.stamp
  wanted="$(checksum "${inputs[@]}") $(go env GOVERSION)"
  if [ -x "$program" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  echo "building $name ($how_long the first time)"
  mkdir -p .tools/bin
  "$@"
  # Renamed, so that one that is running keeps its file.
  mv "$program.new" "$program"
  echo "$wanted" >"$stamp"
}

# build_from MODULE NAME PACKAGE [TAGS]: one program of the module below tools/.
build_from() {
  (cd "tools/$1" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags "${4:-}" -ldflags='-s -w' \
    -o "../../.tools/bin/$2.new" "$3")
}

# In a process of its own, so that what it writes goes whatever becomes of it; the builder leaves a temporary directory.
build_collector() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  export TMPDIR=$work CGO_ENABLED=0
  GOBIN=$work go install go.opentelemetry.io/collector/cmd/builder@v0.161.0
  cp tools/collector/builder.yaml "$work"
  (cd "$work" && ./builder --config builder.yaml)
  cp "$work/build/otelcol" .tools/bin/otelcol.new
)

collector() { once otelcol "five minutes" tools/collector/builder.yaml -- build_collector; }
