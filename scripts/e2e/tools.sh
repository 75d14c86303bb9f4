#!/usr/bin/env bash
# Builds what `make e2e` runs beside the executor: a kube-apiserver and an OpenTelemetry collector, into .tools/bin, and
# says which programs of the machine are missing. Each step is skipped while what it depends on is unchanged. With the
# argument `controller` also what `make e2e-controller` needs: a workflow controller, and the kubelet's part in exec.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
need() { # need PROGRAM WHAT-IT-IS-FOR DEBIAN-PACKAGE
  command -v "$1" >/dev/null || missing+=("$1: $2 (Debian: apt-get install $3)")
}

check_machine() {
  [ "$(id -u)" = 0 ] || missing+=("root: the pods are real containers with their own mounts and control groups")
  need etcd "the API server keeps its objects there" etcd-server
  need podman "the pods are real containers" "podman catatonit"
  need runc "podman starts containers with it" runc
  need busybox "the image with a shell is made from it (statically linked: busybox-static)" busybox-static
  need sshd "git artifacts over ssh" openssh-server
  if [ ${#missing[@]} -gt 0 ]; then
    printf 'e2e: this machine lacks\n' >&2
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
  echo "e2e: building $name ($how_long the first time)"
  mkdir -p .tools/bin
  "$@"
  # Renamed, so that one that is running keeps its file.
  mv "$program.new" "$program"
  echo "$wanted" >"$stamp"
}

build_api_server() {
  (cd tools/kube-apiserver && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' \
    -o ../../.tools/bin/kube-apiserver.new k8s.io/kubernetes/cmd/kube-apiserver)
}

build_exec() {
  (cd tools/kube-apiserver && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' \
    -o ../../.tools/bin/kubelet-exec.new ./exec)
}

build_controller() {
  (cd tools/workflow-controller && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' \
    -o ../../.tools/bin/workflow-controller.new github.com/argoproj/argo-workflows/v4/cmd/workflow-controller)
}

build_collector() {
  local builder=go.opentelemetry.io/collector/cmd/builder@v0.161.0 work
  work=$(mktemp -d)
  GOBIN=$work CGO_ENABLED=0 go install "$builder"
  cp tools/collector/builder.yaml "$work"
  (cd "$work" && CGO_ENABLED=0 ./builder --config builder.yaml)
  cp "$work/build/otelcol" .tools/bin/otelcol.new
  rm -rf "$work"
}

check_machine
once kube-apiserver "six to ten minutes" tools/kube-apiserver/go.mod tools/kube-apiserver/go.sum -- build_api_server
once otelcol "four minutes" tools/collector/builder.yaml -- build_collector
if [ "${1:-}" = controller ]; then
  once kubelet-exec "a minute" tools/kube-apiserver/go.{mod,sum} tools/kube-apiserver/exec/main.go -- build_exec
  once workflow-controller "six to ten minutes" tools/workflow-controller/go.{mod,sum} -- build_controller
fi
