#!/usr/bin/env bash
# Builds what `make e2e` runs beside the executor: a kube-apiserver and an OpenTelemetry collector, into .tools/bin, and
# says which programs of the machine are missing. Each step is skipped while what it depends on is unchanged. With the
# argument `controller` also what `make e2e-controller` needs: a workflow controller, and the kubelet's part in exec.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/e2e/building.sh

[ "$(id -u)" = 0 ] || missing+=("root: the pods are real containers with their own mounts and control groups")
need etcd "the API server keeps its objects there" etcd-server
need podman "the pods are real containers" "podman catatonit"
need runc "podman starts containers with it" runc
need busybox "the image with a shell is made from it (statically linked: busybox-static)" busybox-static
need sshd "git artifacts over ssh" openssh-server
say_missing e2e

once kube-apiserver "six to ten minutes" tools/kube-apiserver/go.mod tools/kube-apiserver/go.sum -- \
  build_from kube-apiserver kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
collector
if [ "${1:-}" = controller ]; then
  once kubelet-exec "a minute" tools/kube-apiserver/go.{mod,sum} tools/kube-apiserver/exec/main.go -- \
    build_from kube-apiserver kubelet-exec ./exec
  once workflow-controller "six to ten minutes" tools/workflow-controller/go.{mod,sum} -- \
    build_from workflow-controller workflow-controller github.com/argoproj/argo-workflows/v4/cmd/workflow-controller
fi
