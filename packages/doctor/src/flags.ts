import { parseArgs } from "node:util";

/** One flag of the command, for every command line that has it. */
export interface FlagDefinition {
  name: string;
  short?: string;
  /** What stands for its value in the help; a switch has none. */
  value?: string;
  repeatable?: true;
  brief: string;
}

export const DOCTOR_FLAGS = [
  { name: "json", brief: "print the findings as JSON" },
  { name: "pod", brief: "print a Pod that runs these checks where executors run, for kubectl create -f -" },
  { name: "timeout", value: "seconds", brief: "for each check (default: 10)" },
  { name: "read-only", brief: "put no probe object into the bucket" },
  {
    name: "repository",
    value: "file",
    brief:
      "an artifact repository as YAML, as ConfigMaps have it (default: the template's, the namespace's, the controller's)",
  },
  { name: "bucket", value: "name", brief: "this S3 bucket instead of the repository's" },
  { name: "endpoint", value: "host[:port]", brief: "of the S3 store" },
  { name: "region", value: "name", brief: "of the bucket" },
  { name: "insecure", brief: "the S3 store speaks plain HTTP" },
  {
    name: "access-key-secret",
    value: "name/key",
    brief: "where the access key is (default: AWS_ACCESS_KEY_ID and the like)",
  },
  { name: "secret-key-secret", value: "name/key", brief: "where the secret key is" },
  {
    name: "prefix",
    value: "key",
    brief: "where in the bucket the probe object is put (default: where artifacts are)",
  },
  {
    name: "git",
    value: "url",
    repeatable: true,
    brief: "also ask this repository; may be repeated (default: those of the template)",
  },
  {
    name: "service-account",
    value: "name",
    brief: "whose rights are checked (default: the pod's own; from elsewhere, default)",
  },
  {
    name: "image",
    value: "name",
    brief: "of the Pod that --pod prints (default: the controller's executor image)",
  },
  {
    name: "controller-namespace",
    value: "namespace",
    brief: "where the workflow controller is (default: argo)",
  },
  {
    name: "controller-configmap",
    value: "name",
    brief: "its settings (default: workflow-controller-configmap)",
  },
  {
    name: "namespace",
    short: "n",
    value: "namespace",
    brief: "of the workflows (default: as the kubeconfig or the pod says)",
  },
  {
    name: "kubeconfig",
    value: "file",
    brief: "default: KUBECONFIG, ~/.kube/config, or the pod's service account",
  },
  { name: "context", value: "name", brief: "of the kubeconfig" },
] as const satisfies readonly FlagDefinition[];

/** What the command was asked for. */
export interface DoctorFlags {
  json: boolean;
  pod: boolean;
  timeLimitMs: number;
  readOnly: boolean;
  repository: string | undefined;
  s3: S3Flags;
  prefix: string | undefined;
  git: readonly string[];
  serviceAccount: string | undefined;
  image: string | undefined;
  controllerNamespace: string;
  controllerConfigMap: string;
  namespace: string | undefined;
  kubeconfig: string | undefined;
  context: string | undefined;
}

export interface S3Flags {
  bucket?: string;
  endpoint?: string;
  region?: string;
  insecure?: true;
  accessKeySecret?: { name: string; key: string };
  secretKeySecret?: { name: string; key: string };
}

/** A command line that is not understood. The message says what to write instead. */
export class DoctorUsageError extends Error {
  override readonly name = "DoctorUsageError";
}

/** @throws DoctorUsageError */
export function parseDoctorFlags(args: readonly string[]): DoctorFlags | "help" {
  const { help, ...values } = parseValues(args);
  if (help) return "help";
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const secret = (name: string) => selectorOf(name, text(name));
  const s3: S3Flags = {
    ...optional("bucket", text("bucket")),
    ...optional("endpoint", text("endpoint")),
    ...optional("region", text("region")),
    ...(values.insecure === true && { insecure: true as const }),
    ...optional("accessKeySecret", secret("access-key-secret")),
    ...optional("secretKeySecret", secret("secret-key-secret")),
  };
  return {
    json: values.json === true,
    pod: values.pod === true,
    timeLimitMs: secondsOf(text("timeout")) * 1000,
    readOnly: values["read-only"] === true,
    repository: text("repository"),
    s3,
    prefix: text("prefix"),
    git: (values.git as string[] | undefined) ?? [],
    serviceAccount: text("service-account"),
    image: text("image"),
    controllerNamespace: text("controller-namespace") ?? "argo",
    controllerConfigMap: text("controller-configmap") ?? "workflow-controller-configmap",
    namespace: text("namespace"),
    kubeconfig: text("kubeconfig"),
    context: text("context"),
  };
}

/** The flags as a list for the help: `-n, --namespace <namespace>  of the workflows…`. */
export function flagsHelp(): string {
  const rows = DOCTOR_FLAGS.map((flag: FlagDefinition) => [spelling(flag), flag.brief] as const);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, brief]) => `  ${flag.padEnd(width)}  ${brief}\n`).join("");
}

/** As commander and people read it. */
export function spelling({ name, short, value }: FlagDefinition): string {
  return `${short ? `-${short}, ` : ""}--${name}${value ? ` <${value}>` : ""}`;
}

function parseValues(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    DOCTOR_FLAGS.map(({ name, short, value, repeatable }: FlagDefinition) => [
      name,
      {
        type: value ? ("string" as const) : ("boolean" as const),
        ...(short && { short }),
        ...(repeatable && { multiple: true }),
      },
    ]),
  );
  try {
    const help = { type: "boolean" as const, short: "h" };
    return parseArgs({ args: [...args], options: { ...options, help }, strict: true }).values;
  } catch (error) {
    throw new DoctorUsageError((error as Error).message, { cause: error });
  }
}

function optional<Name extends string, T>(name: Name, value: T | undefined): { [_ in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { [_ in Name]: T });
}

function selectorOf(flag: string, text: string | undefined): { name: string; key: string } | undefined {
  if (text === undefined) return undefined;
  const [name = "", key = "", ...rest] = text.split("/");
  if (name === "" || key === "" || rest.length > 0) {
    throw new DoctorUsageError(`--${flag} must be NAME/KEY of a secret, got "${text}"`);
  }
  return { name, key };
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return 10;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600)) {
    throw new DoctorUsageError(`--timeout must be a number of seconds up to 600, got "${text}"`);
  }
  return seconds;
}
