import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Cluster } from "../../support/pods/cluster.ts";
import type { PodFilesystem } from "../../support/pods/pod-request.ts";
import { type Scene, writing } from "./blows.ts";
import { raw, sh, until } from "./builders.ts";

const a = raw("a", "/tmp/in-a", "data");

/** A pod with one input, from the template. */
export const withInput: Scene = {
  template: { inputs: { artifacts: [a] } },
  argv: sh(`test "$(cat /tmp/in-a)" = data; ${writing()}`),
};

/** A pod with two inputs, the second from an S3 server that stalls after some bytes when it is first asked. */
export async function halfLoaded(
  cluster: Cluster,
  key: string,
  afterBytes = 10,
): Promise<Scene & { asked: Promise<void> }> {
  const asked = Promise.withResolvers<void>();
  cluster.putObject(`${key}/in`, "first half|second half");
  const { endpoint } = await cluster.faultyS3((_request, index) => {
    asked.resolve();
    return index === 0 ? { type: "stall", afterBytes } : undefined;
  });
  const s3 = { ...cluster.repository(`${key}/in`).s3, endpoint };
  const b = { name: "b", path: "/tmp/b", archive: { none: {} }, s3 };
  return {
    asked: asked.promise,
    template: { inputs: { artifacts: [a, b] } },
    argv: sh(`test "$(cat /tmp/in-a /tmp/b)" = "datafirst half|second half"; ${writing()}`),
  };
}

/** What lies where inputs are loaded to. */
export const inputs = (pod: PodFilesystem): string[] => readdirSync(dirname(pod.input("b"))).sort();

/** The first is there, and something of the second has arrived. */
export const isHalfLoaded = (pod: PodFilesystem): Promise<void> =>
  until(() => existsSync(pod.input("a")) && inputs(pod).some((name) => name.startsWith(".skein")));
