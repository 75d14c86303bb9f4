/**
 * In what the pods of the supported controllers differ, as far as an executor can see it (contract §1.9; read once more
 * in the published sources of v3.5.11, v3.6.12, v3.7.3 and v4.0.2, and in pods of v4.1.2 read back from an API server).
 */
export interface ControllerVersion {
  name: VersionName;
  layout: Layout;
  /** `ARGO_TEMPLATE` with the input parameters in it, on every container; later ones hand it to `init` alone. */
  templateEverywhere: boolean;
  /** Flags for logs of the executor; the old ones end before `--gloglevel`. */
  logFlags: readonly string[];
  /** `GODEBUG=x509ignoreCN=0` on executor containers. */
  godebug: boolean;
  /** Who is told of the pod's grace period. */
  gracePeriodTo: "wait" | "all";
  /** A template above 131072 bytes, and arguments above that, go into a ConfigMap. */
  offloadsTemplate: boolean;
  offloadsArgs: boolean;
  /** `ARGO_ARTIFACT_PLUGIN_NAMES` on `wait`, empty without plugins. */
  namesPlugins: boolean;
  /** `ARGO_WORKFLOW_NAME`, `TRACEPARENT` and `TRACESTATE` on every container. */
  traces: boolean;
}

export type VersionName = "v3.5" | "v3.6" | "v3.7" | "v4.0" | "v4.1";
/** `init` and `wait` around main, or a `supervisor` beside it. */
export type Layout = "init" | "initless";

const SHORT_FLAGS = ["--loglevel", "info", "--log-format", "text"];
const FLAGS = [...SHORT_FLAGS, "--gloglevel", "0"];

const V3_6 = {
  layout: "init",
  templateEverywhere: false,
  logFlags: FLAGS,
  godebug: false,
  gracePeriodTo: "all",
  offloadsTemplate: true,
  offloadsArgs: false,
  namesPlugins: false,
  traces: false,
} as const;
const V4_0 = { ...V3_6, offloadsArgs: true, namesPlugins: true } as const;
const V4_1 = { ...V4_0, traces: true } as const;

export const VERSIONS: readonly ControllerVersion[] = [
  {
    ...V3_6,
    name: "v3.5",
    templateEverywhere: true,
    logFlags: SHORT_FLAGS,
    godebug: true,
    gracePeriodTo: "wait",
    offloadsTemplate: false,
  },
  { ...V3_6, name: "v3.6" },
  { ...V3_6, name: "v3.7" },
  { ...V4_0, name: "v4.0" },
  { ...V4_1, name: "v4.1" },
  { ...V4_1, name: "v4.1", layout: "initless" },
];

export function versionOf(name: VersionName, layout: Layout = "init"): ControllerVersion {
  const version = VERSIONS.find((one) => one.name === name && one.layout === layout);
  if (!version) throw new Error(`no controller ${name} makes pods of the layout ${layout}`);
  return version;
}
