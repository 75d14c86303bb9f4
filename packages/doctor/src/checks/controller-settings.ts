import { type Check, type Finding, fail, ok, skip, warn } from "../check.ts";
import type { ControllerSettings } from "../controller.ts";
import { judgeVariables } from "../variables.ts";

/** Docs/compatibility.md: the versions Skein is tried with. */
const OLDEST = { major: 3, minor: 5 };
const NEWEST = { major: 4, minor: 1 };
/** Docs/install.md, Resources: enough for init, wait and supervisor. */
const ENOUGH_MEMORY_MIB = 256;

/** What the controller makes pods with: the executor's image, its environment, the repository, the version. */
export const controllerSettings: Check = {
  id: "controller",
  title: "controller's settings",
  needs: ["api-server"],
  stuck: { say: "the API server does not answer this question: look at its load" },
  async run({ controller, flags, inPod }) {
    const found = await controller();
    const named = `--controller-namespace NAMESPACE, --controller-configmap NAME (now ${flags.controllerNamespace}, ${flags.controllerConfigMap})`;
    switch (found.status) {
      case "read":
        return judge(found);
      case "absent":
        return warn(`${found.from}: ${found.reason}`, `say where the controller is: ${named}`);
      case "invalid":
        return fail(
          `${found.from}: ${found.reason}`,
          "mend the YAML of that key: a controller ends when it cannot read its ConfigMap",
          [`kubectl -n ${flags.controllerNamespace} edit configmap ${flags.controllerConfigMap}`],
        );
      case "forbidden":
        return skip(
          `${found.reason}; with a kubeconfig of somebody who may, run skein doctor outside the pod`,
        );
      case "unknown":
        return inPod
          ? skip(`${found.from}: ${found.reason}`)
          : warn(`${found.from}: ${found.reason}`, `say where the controller is: ${named}`);
    }
  },
};

function judge(found: Extract<ControllerSettings, { status: "read" }>): Finding {
  const { executor, artifactRepository, besideConfig } = found.settings;
  const image = found.flagImage ?? executor?.image;
  const version = versionOf(found.image);
  const variables = (executor?.env ?? []).map(({ name }) => name);
  const evidence = [
    `executor.image ${image ?? "not set (Argo's own)"}${found.flagImage ? " (flag --executor-image)" : ""}`,
    `executor.env ${variables.join(", ") || "none"}`,
    `artifactRepository ${artifactRepository ? "set" : "not set"}`,
    found.image ? `version ${version?.text ?? `unknown (${found.image})`}` : "version not readable",
  ].join("; ");
  if (besideConfig) {
    return fail(
      `${found.from} has ${besideConfig.join(", ")} beside the key config`,
      `a controller bears no other key beside config, and ends: put them below config (docs/install.md, Before)`,
    );
  }
  if (version && !isSupported(version)) {
    return warn(
      evidence,
      `Skein is made for controllers of v${OLDEST.major}.${OLDEST.minor} to v${NEWEST.major}.${NEWEST.minor} (docs/compatibility.md): use one of these`,
    );
  }
  const memory = mebibytesOf(executor?.resources?.limits?.memory);
  if (memory !== undefined && memory < ENOUGH_MEMORY_MIB) {
    return warn(
      `executor.resources.limits.memory is ${executor?.resources?.limits?.memory}; ${evidence}`,
      `a limit below ${ENOUGH_MEMORY_MIB}Mi gets init and wait killed (OOMKilled): raise it in ${found.from}, key executor`,
      ["resources:", "  limits:", "    memory: 512Mi"],
    );
  }
  // Those whose values come from secrets and ConfigMaps are the pod's to look at.
  const env = Object.fromEntries((executor?.env ?? []).map(({ name, value }) => [name, value]));
  const wrong = judgeVariables(env, false);
  if (wrong === undefined || wrong.status === "skip") return ok(evidence);
  return { ...wrong, evidence: `executor.env: ${wrong.evidence}; ${evidence}` };
}

interface Version {
  text: string;
  major: number;
  minor: number;
}

function versionOf(image: string | undefined): Version | undefined {
  const [, text = "", major, minor] = /:(v?(\d+)\.(\d+)[^@]*)/.exec(image ?? "") ?? [];
  return text === "" ? undefined : { text, major: Number(major), minor: Number(minor) };
}

function isSupported({ major, minor }: Version): boolean {
  const number = major * 1000 + minor;
  return number >= OLDEST.major * 1000 + OLDEST.minor && number <= NEWEST.major * 1000 + NEWEST.minor;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** Of a Kubernetes quantity; undefined for one in a unit nobody uses for memory. */
function mebibytesOf(quantity: string | number | undefined): number | undefined {
  const [, number, unit = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(String(quantity ?? "")) ?? [];
  const factor = UNITS[unit];
  return number === undefined || factor === undefined ? undefined : (Number(number) * factor) / 2 ** 20;
}
