/** Commands of upstream's executor that this one does not have yet, and what they are for. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  resource: "resource templates",
  data: "data templates",
  agent: "HTTP and plugin templates",
  artifact: "artifact garbage collection",
  "artifact-plugin-init": "artifact plugins",
  "artifact-plugin-sidecar": "artifact plugins",
};

/** Commands the front runs itself and never passes on. */
const FRONT_ONLY: ReadonlySet<string> = new Set(["emissary", "kill"]);

/** Why a command cannot be run here. */
export function whyNot(command: string): string {
  const purpose = UNSUPPORTED[command];
  if (purpose !== undefined)
    return `argoexec ${command} is not supported yet: ${purpose} need an executor that has it`;
  if (FRONT_ONLY.has(command))
    return `argoexec ${command} is run by the front; start it as bin/argoexec ${command}`;
  if (command === "doctor") return "the flags of argoexec doctor stand behind it: argoexec doctor --help";
  return `unknown command "${command}" for "argoexec"`;
}

export function isKnownCommand(command: string): boolean {
  return command in UNSUPPORTED || FRONT_ONLY.has(command);
}
