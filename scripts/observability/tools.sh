#!/usr/bin/env bash
# Builds what `make e2e-observability` runs: an OpenTelemetry collector, Prometheus and promtool, Jaeger, and three
# programs that trace themselves below a step (otel-cli, buildctl and the daemon it talks to), into .tools/bin.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/e2e/building.sh

collector
prometheus=(tools/prometheus/go.mod tools/prometheus/go.sum)
# Without the tag it finds what it scrapes in some twenty clouds, whose libraries take longer to compile than all the rest. Its
# pages are left out, too: they are no part of the module.
once prometheus "five minutes" "${prometheus[@]}" -- \
  build_from prometheus prometheus github.com/prometheus/prometheus/cmd/prometheus remove_all_sd
once promtool "a minute" "${prometheus[@]}" -- \
  build_from prometheus promtool github.com/prometheus/prometheus/cmd/promtool remove_all_sd
# Its pages are left out, too. Tempo is not here: its module is under the AGPL.
once jaeger "ten minutes" tools/jaeger/go.{mod,sum} -- \
  build_from jaeger jaeger github.com/jaegertracing/jaeger/cmd/jaeger
clients=(tools/trace-clients/go.mod tools/trace-clients/go.sum)
once otel-cli "a minute" "${clients[@]}" -- build_from trace-clients otel-cli github.com/equinix-labs/otel-cli
once buildctl "two minutes" "${clients[@]}" -- \
  build_from trace-clients buildctl github.com/moby/buildkit/cmd/buildctl
once buildkitd "five minutes" "${clients[@]}" -- \
  build_from trace-clients buildkitd github.com/moby/buildkit/cmd/buildkitd
