import { join } from "node:path";

/** Every path of the contract (§4) and of the journal that front and core share. All are absolute. */
export interface Paths {
  /** `/var/run/argo`: the volume every container of the pod shares. */
  shared: string;
  /** The front, as the user's containers start it. */
  front: string;
  template: string;
  /** The status marker of an init-less pod. */
  status: string;
  outputParameters: string;
  outputArtifacts: string;
  script: string;
  inputArtifacts: string;
  /** Mirror of the user's volumes in the executor's containers. */
  mainContainerRoot: string;
  /** Where archives that cannot be streamed are staged on save. */
  stagedArtifacts: string;
  secrets: string;
  offloadedConfig: string;
  manifest: string;
  terminationLog: string;
  serviceAccount: string;
  skein: string;
  traceContext: string;
  journals: string;
  /** `ctr/<name>` */
  container(name: string): string;
  exitCode(container: string): string;
  stdout(container: string): string;
  combined(container: string): string;
  signal(container: string): string;
  journal(container: string): string;
  secret(name: string, key: string): string;
  /** Which artifacts this pod has put into volumes. */
  loadedIntoVolumes: string;
}

/** @param root where the tree hangs: `/` in a pod, a temporary directory in a test */
export function createPaths(root = "/"): Paths {
  const shared = join(root, "var/run/argo");
  const skein = join(shared, "skein");
  const journals = join(skein, "journal");
  const secrets = join(root, "argo/secret");
  const container = (name: string): string => join(shared, "ctr", name);
  return {
    shared,
    front: join(shared, "argoexec"),
    template: join(shared, "template"),
    status: join(shared, "status"),
    outputParameters: join(shared, "outputs/parameters"),
    outputArtifacts: join(shared, "outputs/artifacts"),
    script: join(root, "argo/staging/script"),
    inputArtifacts: join(root, "argo/inputs/artifacts"),
    mainContainerRoot: join(root, "mainctrfs"),
    stagedArtifacts: join(root, "tmp/argo/outputs/artifacts"),
    secrets,
    offloadedConfig: join(root, "argo/config"),
    manifest: join(root, "tmp/manifest.yaml"),
    terminationLog: join(root, "dev/termination-log"),
    serviceAccount: join(root, "var/run/secrets/kubernetes.io/serviceaccount"),
    skein,
    traceContext: join(skein, "context.json"),
    journals,
    loadedIntoVolumes: join(skein, "loaded-into-volumes"),
    container,
    exitCode: (name) => join(container(name), "exitcode"),
    stdout: (name) => join(container(name), "stdout"),
    combined: (name) => join(container(name), "combined"),
    signal: (name) => join(container(name), "signal"),
    journal: (name) => join(journals, `${name}.jsonl`),
    secret: (name, key) => join(secrets, name, key),
  };
}
