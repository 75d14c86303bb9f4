import type { Cluster } from "../../support/pods/cluster.ts";
import { runPod } from "../../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../../support/pods/pod-request.ts";
import { type ConformanceCase, type Expectation, expectEnd } from "./conformance.ts";

/** One statement about a pod of which there is more to say. */
export interface Observation {
  section: string;
  statement: string;
  pitfall?: number;
  rootOnly?: string;
  check: (end: PodEnd, cluster: Cluster) => void;
}

/** Cases that look at the same pod, which runs once in each kind of container: pods cost more than looks. */
export function ofOnePod(
  pod: PodRequest | ((cluster: Cluster) => PodRequest | Promise<PodRequest>),
  expected: Expectation,
  observations: readonly Observation[],
): ConformanceCase[] {
  const ends = new WeakMap<Cluster, Promise<PodEnd>>();
  const run = async (cluster: Cluster): Promise<PodEnd> => {
    const end = await runPod(cluster, typeof pod === "function" ? await pod(cluster) : pod);
    expectEnd(end, expected, cluster);
    return end;
  };
  const endIn = (cluster: Cluster): Promise<PodEnd> => {
    const end = ends.get(cluster) ?? run(cluster);
    ends.set(cluster, end);
    return end;
  };
  return observations.map(({ check, ...statement }) => ({
    ...statement,
    run: async (cluster) => check(await endIn(cluster), cluster),
  }));
}
