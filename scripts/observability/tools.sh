#!/usr/bin/env bash
# Builds what `make e2e-observability` runs: an OpenTelemetry collector, Prometheus and promtool, and three programs that
# trace themselves below a step (otel-cli, buildctl and the daemon it talks to), into .tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/e2e/building.sh

collector
prometheus=(tools/prometheus/go.mod tools/prometheus/go.sum)
once prometheus "ten minutes" "${prometheus[@]}" -- \
  build_from prometheus prometheus github.com/prometheus/prometheus/cmd/prometheus
once promtool "a minute" "${prometheus[@]}" -- \
  build_from prometheus promtool github.com/prometheus/prometheus/cmd/promtool
clients=(tools/trace-clients/go.mod tools/trace-clients/go.sum)
once otel-cli "a minute" "${clients[@]}" -- build_from trace-clients otel-cli github.com/equinix-labs/otel-cli
once buildctl "two minutes" "${clients[@]}" -- \
  build_from trace-clients buildctl github.com/moby/buildkit/cmd/buildctl
once buildkitd "five minutes" "${clients[@]}" -- \
  build_from trace-clients buildkitd github.com/moby/buildkit/cmd/buildkitd
