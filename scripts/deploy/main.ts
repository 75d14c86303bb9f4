/**
 * `make deploy-test`: renders deploy/ with kustomize and helm, as users do, merges the patches of docs/install.md as a
 * controller does, and runs its commands against a real API server where `make e2e` has built one.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { API_SERVER } from "../../test/e2e/cluster/api-server.ts";
import { startControlPlane } from "../../test/e2e/cluster/control-plane.ts";
import { installCustomResources } from "../../test/e2e/cluster/custom-resources.ts";
import type { Cases } from "./case.ts";
import { clusterCases } from "./cluster-cases.ts";
import { doctorCases } from "./doctor-cases.ts";
import { patchCases } from "./patch-cases.ts";
import { renderCases } from "./render-cases.ts";

const scratch = mkdtempSync(join(tmpdir(), "skein-deploy-"));
const totals = { passed: 0, failed: 0, skipped: 0 };

/** Why there can be no API server on this machine; undefined when there can. */
function whyNoApiServer(): string | undefined {
  if (!existsSync(API_SERVER)) return "there is no kube-apiserver; `make e2e` builds it";
  if (spawnSync("etcd", ["--version"]).error) return "there is no etcd (Debian: apt-get install etcd-server)";
  return undefined;
}

async function runAll(cases: Cases): Promise<void> {
  for (const [name, work] of Object.entries(cases)) {
    try {
      await work();
      totals.passed += 1;
      process.stdout.write(`  ✓ ${name}\n`);
    } catch (error) {
      totals.failed += 1;
      process.stdout.write(`  ✗ ${name}\n${(error as Error).message}\n`);
    }
  }
}

try {
  await runAll(renderCases(scratch));
  await runAll(patchCases(scratch));
  const missing = whyNoApiServer();
  if (missing === undefined) {
    await using cluster = await startControlPlane(join(scratch, "cluster"));
    await installCustomResources(cluster.api.admin);
    await runAll(clusterCases(cluster.api, scratch));
    await runAll(doctorCases(cluster.api, scratch));
  } else {
    totals.skipped += 1;
    process.stdout.write(`  – the commands of docs/install.md against an API server: ${missing}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(
  `tests: ${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ""}\n`,
);
process.exitCode = totals.failed > 0 ? 1 : 0;
