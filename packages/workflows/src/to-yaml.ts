import { stringify } from "yaml";

/**
 * An object as kubectl and Argo read it, who take YAML 1.1: there a bare `yes` or `off` is a boolean and `1:30` a number, so such texts
 * get quotes.
 */
export function toYaml(object: unknown): string {
  return stringify(object, { lineWidth: 0, version: "1.1" });
}
