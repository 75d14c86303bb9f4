#!/usr/bin/env bash
# Builds what `make deploy-test` tries deploy/ and docs/install.md with, from their modules (minutes the first time): kustomize,
# helm, kubectl, and podspec, which merges a podSpecPatch as a controller does.
set -euo pipefail
cd "$(dirname "$0")/../.."

programs=(kustomize helm kubectl podspec)
stamp=.tools/bin/deploy-tools.stamp
wanted="$(cat tools/deploy/go.mod tools/deploy/go.sum tools/deploy/*/*.go | sha256sum | cut -d' ' -f1) $(go env GOVERSION)"

is_built() {
  local program
  for program in "${programs[@]}"; do [ -x ".tools/bin/$program" ] || return 1; done
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]
}

if ! is_built; then
  echo "deploy-test: building ${programs[*]} (some minutes the first time)"
  mkdir -p .tools/bin
  (cd tools/deploy && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags='-s -w' -o ../../.tools/bin/ \
    helm.sh/helm/v3/cmd/helm sigs.k8s.io/kustomize/kustomize/v5 ./kubectl ./podspec)
  echo "$wanted" >"$stamp"
fi
