# Skein. `make` says what there is; `make demo` and `make test` need nothing done before.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The pinned Node first, then the machine's own.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help setup build demo test lint fmt fuzz conformance images e2e e2e-controller e2e-observability bench bench-pod deploy-test clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## check the machine, install the pinned packages, build the S3 server
	@scripts/setup.sh

build: setup ## build dist/: the executor's tree, the fronts, the skein command
	@node scripts/build/main.ts

demo: build ## run a workflow with git, S3 and a trace, and show where its time went
	@node scripts/demo.ts

test: build ## everything quick: lint, types, import rules, Go and TypeScript tests
	@node scripts/test/main.ts

lint: setup ## formatting, lint, types and import rules only
	@node scripts/test/main.ts --checks

fmt: setup ## format all sources and apply safe fixes
	@biome check --write .
	@gofmt -w packages/front

fuzz: setup ## damage archives and extract them for FUZZ_SECONDS (60); FUZZ_SEED= repeats, INPUT=file tries one again
	@node test/hostile/fuzz/main.ts $(INPUT)

conformance: build ## the contract's statements only, in both kinds of container; writes docs/conformance.md
	@node scripts/conformance/main.ts

e2e: images ## whole pods as real containers, with a real API server; CASE=name[@version[/layout]] for less than all
	@scripts/e2e/tools.sh
	@node test/e2e/main.ts $(if $(TAG),--tag $(TAG)) $(CASE)

e2e-controller: images ## workflows run by a controller of Argo's own, with Skein in its pods; CASE=name for less than all
	@scripts/e2e/tools.sh controller
	@node test/e2e/workflows/main.ts $(if $(TAG),--tag $(TAG)) $(CASE)

e2e-observability: build ## run deploy/observability with a real collector and Prometheus: dashboards and alerts against spans
	@scripts/observability/tools.sh
	@node test/observability/main.ts

bench: build ## measure, and write docs/benchmarks.md; ROWS=name[,name] prints those only (ROWS=? names them)
	@node scripts/bench/main.ts $(if $(ROWS),$(if $(filter ?,$(ROWS)),--list,--only $(ROWS)))

bench-pod: images ## measure whole pods as real containers, and write docs/benchmarks-pod.md
	@scripts/e2e/tools.sh
	@node scripts/bench-pod/main.ts $(if $(TAG),--tag $(TAG))

images: build ## build the executor's images with docker, podman or buildah (ENGINE=, BASE=, TAG=, PLATFORM=, UPDATE=1, WRITE=1, VERIFY=1)
	@node scripts/images/main.ts $(if $(ENGINE),--engine $(ENGINE)) $(if $(BASE),--base $(BASE)) $(if $(TAG),--tag $(TAG)) \
	  $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(UPDATE),--update) $(if $(NO_CACHE),--no-cache) $(if $(WRITE),--write) $(if $(VERIFY),--verify)

deploy-test: setup ## try deploy/ and the commands of docs/install.md (builds kustomize, helm and kubectl the first time)
	@scripts/deploy/tools.sh
	@node scripts/deploy/main.ts

clean: ## remove what was built; keeps node_modules and .tools
	@rm -rf dist out packages/*/.types packages/*/dist test/.types scripts/.types
