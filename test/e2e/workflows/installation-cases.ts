import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { type DocumentedBlock, documentedBlocks } from "../../support/documented-blocks.ts";
import type { KubeObject } from "../cluster/kube-client.ts";
import { assertSucceeded, executorImages, type WorkflowCase } from "./case.ts";

const INSTALL = join(import.meta.dirname, "../../../docs/install.md");

/** The first block of YAML below a heading of docs/install.md. */
function installYaml(title: string): unknown {
  const isWanted = ({ heading, language }: DocumentedBlock): boolean =>
    heading === title && language === "yaml";
  const block = documentedBlocks(INSTALL).find(isWanted);
  assert.ok(block, `docs/install.md has no YAML below "${title}"`);
  return parse(block.text);
}

/** The steps of docs/install.md, each with what it says. */
export const INSTALLATION_CASES: readonly WorkflowCase[] = [
  {
    name: "second-controller",
    shows:
      "step 2 of docs/install.md: a second controller with an instance ID brings Skein to its workflows alone",
    isExclusive: true,
    async run({ world, controller, submit }) {
      const { busybox, executor, nonroot } = world.images;
      const configMap = installYaml("2. One namespace") as KubeObject & {
        data: { executor: string; instanceID: string };
      };
      configMap.data.executor = configMap.data.executor.replace(/image: .*/, `image: ${nonroot}`);
      await using _another = await controller.startAnother(configMap);
      const templates = [{ name: "main", container: { image: busybox, command: ["echo", "hello"] } }];
      const labels = { "workflows.argoproj.io/controller-instanceid": configMap.data.instanceID };
      const [own, others] = await Promise.all([
        submit({ templates }, labels).then((workflow) => workflow.end()),
        submit({ templates }).then((workflow) => workflow.end()),
      ]);
      assertSucceeded(own);
      assertSucceeded(others);
      assert.deepEqual(executorImages(own.pods), new Set([nonroot]));
      assert.deepEqual(executorImages(others.pods), new Set([executor]));
    },
  },
  {
    name: "installation",
    shows:
      "steps 1 and 3 of docs/install.md: Skein in one workflow by its patch, then everywhere without a restart",
    isExclusive: true,
    async run({ world, controller, submit }) {
      const { busybox, executor, nonroot } = world.images;
      const templates = [{ name: "main", container: { image: busybox, command: ["echo", "hello"] } }];
      // An image that no node has: whatever is not patched does not run.
      await controller.setExecutor({ image: "localhost/none/argoexec:v4.0.5" });
      const { spec } = installYaml("1. One workflow") as { spec: { podSpecPatch: string } };
      const podSpecPatch = spec.podSpecPatch.replaceAll(/image: .*/g, `image: ${executor}`);
      const one = await (await submit({ templates, podSpecPatch })).end();
      assertSucceeded(one);
      assert.deepEqual(executorImages(one.pods), new Set([executor]));

      await controller.setExecutor({ image: nonroot });
      const all = await (await submit({ templates })).end();
      assertSucceeded(all);
      assert.deepEqual(executorImages(all.pods), new Set([nonroot]));
      await controller.setExecutor({ image: executor });
    },
  },
];
