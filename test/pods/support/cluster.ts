import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseSandbox, type Sandbox } from "@skein/lab/testing";
import { type S3Server, startS3Server } from "../../support/s3-server.ts";
import { startTaskResultApi, type TaskResultApi } from "../../support/task-result-api.ts";

/** What pods have in common. */
export interface Cluster extends AsyncDisposable {
  sandbox: Sandbox;
  s3: S3Server;
  api: TaskResultApi;
  /** The tree of the executor's image, as `make build` leaves it. */
  executor: string;
  /** Of the pods' files; goes away with the cluster. */
  directory: string;
  /** An `archiveLocation` in the S3 server. */
  repository(key: string, more?: object): object;
}

const EXECUTOR = fileURLToPath(new URL("../../../dist/argoexec", import.meta.url));

export async function startCluster(): Promise<Cluster> {
  if (!existsSync(join(EXECUTOR, "bin/argoexec"))) {
    throw new Error(`these tests run the built executor, and ${EXECUTOR} is not there: run \`make build\``);
  }
  const directory = await mkdtemp(join(tmpdir(), "skein-pods-"));
  const [s3, api, sandbox] = await Promise.all([
    startS3Server(),
    startTaskResultApi(),
    chooseSandbox(directory, process.env.PATH),
  ]);
  return {
    sandbox,
    s3,
    api,
    executor: EXECUTOR,
    directory,
    repository: (key, more = {}) => ({
      s3: {
        endpoint: s3.endpoint,
        bucket: s3.bucket,
        insecure: true,
        accessKeySecret: { name: "cred", key: "accesskey" },
        secretKeySecret: { name: "cred", key: "secretkey" },
        key,
      },
      ...more,
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all([s3[Symbol.asyncDispose](), api[Symbol.asyncDispose]()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
