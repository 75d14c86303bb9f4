import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { KubeObject } from "./kube-client.ts";

const ROLE = join(import.meta.dirname, "../../../deploy/kustomize/base/role.yaml");

/** The Role of deploy/, exactly: what it does not say, the pods of the suite may not do. */
export function documentedRole(): KubeObject {
  return parse(readFileSync(ROLE, "utf8")) as KubeObject;
}
