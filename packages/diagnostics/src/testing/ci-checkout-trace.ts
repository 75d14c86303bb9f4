import {
  type Builder,
  controller,
  finish,
  loadSource,
  mainFacts,
  pod,
  SOURCE_KEY,
  s3Facts,
  stages,
  transfer,
  WORKFLOW,
  waitParts,
} from "./pod-spans.ts";
import { createTraceBuilder } from "./trace-builder.ts";

/**
 * What a run of a small pipeline looks like: a repository checked out and saved to S3, loaded again by two steps
 * at the same time, one of which runs a program with spans of its own, and a last step whose second artifact
 * is missing. Loading takes three times as long as saving.
 */
export function ciCheckoutTrace(): Builder {
  const trace = createTraceBuilder("ci-checkout");
  const workflow = trace.add({
    name: "workflow",
    at: 0,
    seconds: 19.6,
    attributes: { name: WORKFLOW, namespace: "ci" },
    error: { message: "Failed" },
    ...controller,
  });
  const phase = { parent: workflow, ...controller };
  trace.add({ name: "workflowPhase", at: 0, seconds: 0.02, attributes: { phase: "Pending" }, ...phase });
  trace.add({ name: "workflowPhase", at: 0.02, seconds: 19.58, attributes: { phase: "Running" }, ...phase });
  const dag = trace.add({
    name: "node",
    at: 0.02,
    seconds: 19.5,
    parent: workflow,
    attributes: { node_id: WORKFLOW, name: WORKFLOW, node_name: WORKFLOW, namespace: "ci", node_type: "DAG" },
    error: { message: "Failed" },
    ...controller,
  });
  const running = { node_id: WORKFLOW, node_phase: "Running" };
  trace.add({
    name: "nodePhase",
    at: 0.02,
    seconds: 19.5,
    kind: 4,
    parent: dag,
    attributes: running,
    ...controller,
  });
  checkout(trace, workflow);
  testUnit(trace, workflow);
  testLint(trace, workflow);
  publish(trace, workflow);
  return trace;
}

function checkout(trace: Builder, workflow: string): void {
  const { add, parent, facts } = pod(trace, workflow, {
    name: "checkout",
    id: "1408",
    at: 0.03,
    seconds: 6.1,
    pending: 0.62,
  });
  const init = add({
    name: "runInitContainer",
    at: 0.66,
    seconds: 1.94,
    parent,
    attributes: facts,
    container: "init",
  });
  add({ name: "stageFiles", at: 0.7, seconds: 0.003, parent: init, container: "init" });
  const totals = {
    "argo.artifacts.count": 1,
    "argo.artifacts.bytes": 12_431_872,
    "argo.artifacts.files": 1204,
  };
  const loads = add({
    name: "loadArtifacts",
    at: 0.71,
    seconds: 1.86,
    parent: init,
    container: "init",
    attributes: totals,
    events: [{ name: "download artifact", at: 0.71, attributes: { file: "source" } }],
  });
  const load = add({
    name: "loadArtifact",
    at: 0.71,
    seconds: 1.85,
    parent: loads,
    container: "init",
    attributes: {
      path: "/argo/inputs/artifacts/source",
      ...transfer({
        name: "source",
        driver: "git",
        archive: "none",
        bytes: 12_431_872,
        unpacked: 48_117_760,
        files: 1204,
        streams: 1,
      }),
      "vcs.repository.url.full": "https://git.example.com/shop/checkout.git",
      "vcs.ref.head.name": "main",
      "vcs.ref.head.revision": "9fceb02d0ae598e95dc970b74767f19372d61af8",
      "server.address": "git.example.com",
      ...stages({ first_byte: 0.21, network: 1.02, disk: 0.58, other: 0.04 }),
      "argo.artifact.bound_by": "network",
      "argo.artifact.verdict": "network-bound: git fetch at 6.7 MB/s",
    },
  });
  add({
    name: "unarchiveArtifact",
    at: 2.555,
    seconds: 0.004,
    parent: load,
    container: "init",
    attributes: { archive: "none" },
  });
  add({ name: "runMainContainer", at: 2.7, seconds: 0.84, parent, attributes: mainFacts(facts, 0) });
  const wait = add({
    name: "runWaitContainer",
    at: 2.68,
    seconds: 3.4,
    parent,
    attributes: facts,
    container: "wait",
  });
  waitParts(add, wait, { createAt: 2.74, waitAt: 2.8, mainEnd: 3.54 });
  const saves = add({
    name: "saveArtifacts",
    at: 3.62,
    seconds: 2.06,
    parent: wait,
    container: "wait",
    attributes: totals,
    events: [{ name: "upload artifact", at: 3.62, attributes: { file: "source" } }],
  });
  const save = add({
    name: "saveArtifact",
    at: 3.63,
    seconds: 2.04,
    parent: saves,
    container: "wait",
    attributes: {
      ...transfer({
        name: "source",
        driver: "s3",
        archive: "tar",
        bytes: 12_431_872,
        unpacked: 48_117_760,
        files: 1204,
        streams: 2,
      }),
      ...s3Facts(SOURCE_KEY),
      ...stages({ compress: 1.22, network: 0.61, disk: 0.17, first_byte: 0.04 }),
      "argo.artifact.bound_by": "compress",
      "argo.artifact.verdict": "compress-bound: gzip at 39 MB/s on one core",
      "argo.artifact.digest": "sha256:0b2f1a9c6f8f3c0f5d1b8f6f9f5f3c1a7a6d4e2b9c8d7e6f5a4b3c2d1e0f9a8b",
    },
    events: [
      {
        name: "upload file",
        at: 5.6,
        attributes: {
          file: "source.tgz",
          "file.size": 12_431_872,
          "argo.file.duration": 1.97,
          "argo.file.offset": 0,
        },
      },
    ],
  });
  add({
    name: "archiveArtifact",
    at: 3.63,
    seconds: 1.4,
    parent: save,
    container: "wait",
    attributes: { archive: "tar" },
  });
  finish(add, wait, 5.7);
}

function testUnit(trace: Builder, workflow: string): void {
  const { add, parent, facts } = pod(trace, workflow, {
    name: "test-unit",
    id: "2731",
    at: 6.2,
    seconds: 10.4,
    pending: 0.55,
  });
  const load = loadSource({ add, parent, facts, at: 6.8, seconds: 6.21 });
  add({
    name: "unarchiveArtifact",
    at: 6.9,
    seconds: 6.1,
    parent: load,
    container: "init",
    attributes: { archive: "tar" },
  });
  const main = add({
    name: "runMainContainer",
    at: 13.2,
    seconds: 2.9,
    parent,
    attributes: mainFacts(facts, 0),
  });
  const user = { scope: "make", resource: { "service.name": "shop-build" } };
  const make = trace.add({ name: "make test", at: 13.26, seconds: 2.78, parent: main, ...user });
  trace.add({
    name: "go build ./...",
    at: 13.3,
    seconds: 1.02,
    parent: make,
    attributes: { "build.cache": false },
    ...user,
  });
  const suite = trace.add({ name: "go test ./...", at: 14.35, seconds: 1.66, parent: make, ...user });
  for (const [index, seconds] of [0.31, 0.22, 0.78, 0.15, 0.09, 0.05].entries()) {
    const name = `TestCheckout/case-${index + 1}`;
    trace.add({
      name,
      at: 14.36 + index * 0.17,
      seconds,
      parent: suite,
      attributes: { "test.case.result.status": "pass" },
      ...user,
    });
  }
  const wait = add({
    name: "runWaitContainer",
    at: 13.18,
    seconds: 3.32,
    parent,
    attributes: facts,
    container: "wait",
  });
  waitParts(add, wait, { createAt: 13.23, waitAt: 13.3, mainEnd: 16.1 });
  finish(add, wait, 16.12);
}

function testLint(trace: Builder, workflow: string): void {
  const { add, parent, facts } = pod(trace, workflow, {
    name: "test-lint",
    id: "3194",
    at: 6.2,
    seconds: 6.6,
    pending: 0.6,
  });
  loadSource({ add, parent, facts, at: 6.85, seconds: 4.92 });
  add({ name: "runMainContainer", at: 11.9, seconds: 0.45, parent, attributes: mainFacts(facts, 0) });
  const wait = add({
    name: "runWaitContainer",
    at: 11.88,
    seconds: 0.82,
    parent,
    attributes: facts,
    container: "wait",
  });
  waitParts(add, wait, { createAt: 11.93, waitAt: 11.98, mainEnd: 12.35 });
  finish(add, wait, 12.37);
}

function publish(trace: Builder, workflow: string): void {
  const node = { name: "publish", id: "4077", at: 16.7, seconds: 2.8, pending: 0.5, failed: true };
  const { add, parent, facts } = pod(trace, workflow, node);
  const error = {
    type: "s3.no_such_key",
    message: "no object s3://skein/ci-checkout-x7k2p/test-unit/coverage.tgz",
  };
  const init = add({
    name: "runInitContainer",
    at: 17.25,
    seconds: 1.41,
    parent,
    attributes: facts,
    container: "init",
    error,
  });
  const loads = add({
    name: "loadArtifacts",
    at: 17.3,
    seconds: 1.33,
    parent: init,
    container: "init",
    error,
    events: [{ name: "download artifact", at: 17.3, attributes: { file: "coverage" } }],
  });
  add({
    name: "loadArtifact",
    at: 17.3,
    seconds: 1.32,
    parent: loads,
    container: "init",
    attributes: {
      path: "/argo/inputs/artifacts/coverage",
      ...transfer({
        name: "coverage",
        driver: "s3",
        archive: "tar",
        bytes: 0,
        unpacked: 0,
        files: 0,
        streams: 1,
      }),
      ...s3Facts(`${WORKFLOW}/test-unit/coverage.tgz`),
      "argo.artifact.retries": 2,
      ...stages({ first_byte: 0.12, retry_wait: 1.19 }),
      "argo.artifact.bound_by": "retries",
      "argo.artifact.verdict": "",
    },
    events: [
      {
        name: "retry",
        at: 17.34,
        attributes: { "error.type": "s3.slow_down", "argo.retry.delay": 0.4, "argo.retry.attempt": 1 },
      },
      {
        name: "retry",
        at: 17.78,
        attributes: { "error.type": "s3.slow_down", "argo.retry.delay": 0.79, "argo.retry.attempt": 2 },
      },
    ],
    error: {
      ...error,
      stack: `ArtifactError: ${error.message}\n    at openStream (s3-driver.ts:61:13)\n    at load (transfer-engine.ts:118:22)`,
    },
  });
}
