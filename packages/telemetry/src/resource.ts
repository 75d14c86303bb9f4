import type { Environment } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";

/** What a pod knows about itself without asking anybody. Absent and empty facts are left out. */
export interface ResourceFacts {
  /** The executor's version. */
  version: string;
  namespace?: string | undefined;
  podName?: string | undefined;
  podUid?: string | undefined;
  containerName?: string | undefined;
  nodeName?: string | undefined;
}

export const SERVICE_NAME = "argoexec";

/**
 * The attributes of the resource. `OTEL_RESOURCE_ATTRIBUTES` wins over what we found ourselves, `OTEL_SERVICE_NAME`
 * over both: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function resourceAttributes(facts: ResourceFacts, env: Environment): Record<string, string> {
  const found: Record<string, string | undefined> = {
    [ATTR.serviceName]: SERVICE_NAME,
    [ATTR.serviceVersion]: facts.version,
    [ATTR.k8sNamespace]: facts.namespace,
    [ATTR.k8sPodName]: facts.podName,
    [ATTR.k8sPodUid]: facts.podUid,
    [ATTR.k8sContainer]: facts.containerName,
    [ATTR.k8sNode]: facts.nodeName,
    ...parseResourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES),
  };
  if (env.OTEL_SERVICE_NAME) found[ATTR.serviceName] = env.OTEL_SERVICE_NAME;
  return Object.fromEntries(
    Object.entries(found).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== ""),
  );
}

/** `key=value,key=value`, percent-encoded; a pair that is malformed is left out. */
function parseResourceAttributes(text: string | undefined): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of (text ?? "").split(",")) {
    const equals = pair.indexOf("=");
    if (equals <= 0) continue;
    const key = decode(pair.slice(0, equals).trim());
    const value = decode(pair.slice(equals + 1).trim());
    if (key && value !== undefined) attributes[key] = value;
  }
  return attributes;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
