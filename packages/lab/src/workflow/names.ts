import { randomBytes } from "node:crypto";

/** The longest name of a Kubernetes resource, less the room for `-` and the hash (Argo: `workflow/util/pod_name.go`). */
const MAX_POD_NAME_PREFIX = 253 - 10 - 1;

/** The 32-bit FNV-1a hash by which Argo shortens node names: http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/** The id of a node, which is also the name of its WorkflowTaskResult. */
export function nodeId(workflowName: string, nodeName: string): string {
  return nodeName === workflowName ? nodeName : `${workflowName}-${fnv32a(nodeName)}`;
}

/** The name of a node's pod, in Argo's second way of naming them (contract §1.2). */
export function podName(workflowName: string, templateName: string, nodeName: string): string {
  if (nodeName === workflowName) return workflowName;
  const prefix = `${workflowName}-${templateName}`.slice(0, MAX_POD_NAME_PREFIX);
  return `${prefix}-${fnv32a(nodeName)}`;
}

/** What Kubernetes' name generator draws from: no vowels, nor digits that look like letters. */
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** `generateName` with the five characters an API server appends. */
export function generateName(prefix: string, random: (size: number) => Uint8Array = randomBytes): string {
  const letters = Array.from(random(5), (byte) => NAME_ALPHABET[byte % NAME_ALPHABET.length]);
  return prefix + letters.join("");
}
