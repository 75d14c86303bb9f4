#!/usr/bin/env bash
# Builds kustomize and helm, which the manifests in deploy/ are tried with, from their modules (minutes the first time).
set -euo pipefail
cd "$(dirname "$0")/../.."

stamp=.tools/bin/deploy-tools.stamp
wanted="$(cat tools/deploy/go.mod tools/deploy/go.sum | sha256sum | cut -d' ' -f1) $(go env GOVERSION)"
if [ ! -x .tools/bin/helm ] || [ ! -x .tools/bin/kustomize ] || [ "$(cat $stamp 2>/dev/null)" != "$wanted" ]; then
  echo "deploy-test: building kustomize and helm (some minutes the first time)"
  mkdir -p .tools/bin
  (cd tools/deploy && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' -o ../../.tools/bin/ \
    helm.sh/helm/v3/cmd/helm sigs.k8s.io/kustomize/kustomize/v5)
  echo "$wanted" >$stamp
fi
