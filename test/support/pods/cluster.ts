import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseSandbox, type Sandbox, type SecurityContext } from "@skein/lab/testing";
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from "../fault-proxy.ts";
import { type S3Server, startS3Server } from "../s3-server.ts";
import { startTaskResultApi, type TaskResultApi } from "../task-result-api.ts";

/** What pods have in common. */
export interface Cluster extends AsyncDisposable {
  sandbox: Sandbox;
  s3: S3Server;
  api: TaskResultApi;
  /** The tree of the executor's image, as `make build` leaves it. */
  executor: string;
  /** Of every container, unless a pod says otherwise. Default: root, who may do everything. */
  securityContext?: SecurityContext;
  /** Of the pods' files; goes away with the cluster. */
  directory: string;
  /** An `archiveLocation` in the S3 server. */
  repository(key: string, more?: object): { s3: Record<string, unknown> } & Record<string, unknown>;
  /** A server before the S3 server, at which requests go wrong. Goes away with the cluster. */
  faultyS3(fault: (request: SeenRequest, index: number) => Fault | undefined): Promise<FaultProxy>;
  /** Bytes of the object in the S3 server, `undefined` when there is none. */
  object(key: string): Buffer | undefined;
  /** Keys of the objects below a prefix, sorted. */
  keys(prefix: string): string[];
  /** Puts an object there, as somebody else's step would have. */
  putObject(key: string, content: string | Uint8Array): void;
}

const EXECUTOR = fileURLToPath(new URL("../../../dist/argoexec", import.meta.url));

export async function startCluster(options: Pick<Cluster, "securityContext"> = {}): Promise<Cluster> {
  if (!existsSync(join(EXECUTOR, "bin/argoexec"))) {
    throw new Error(`these tests run the built executor, and ${EXECUTOR} is not there: run \`make build\``);
  }
  const directory = await mkdtemp(join(tmpdir(), "skein-pods-"));
  const [s3, api, sandbox] = await Promise.all([
    startS3Server(),
    startTaskResultApi(),
    chooseSandbox(directory, process.env.PATH),
  ]);
  const proxies: FaultProxy[] = [];
  return {
    ...options,
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
    faultyS3: async (fault) => {
      const proxy = await startFaultProxy(s3.endpoint, fault);
      proxies.push(proxy);
      return proxy;
    },
    object: (key) => {
      const file = join(s3.root, s3.bucket, key);
      return existsSync(file) && !statSync(file).isDirectory() ? readFileSync(file) : undefined;
    },
    keys: (prefix) =>
      readdirSync(join(s3.root, s3.bucket), { recursive: true, encoding: "utf8" })
        .filter((key) => key.startsWith(prefix) && !statSync(join(s3.root, s3.bucket, key)).isDirectory())
        .sort(),
    putObject: (key, content) => {
      const file = join(s3.root, s3.bucket, key);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([s3, api, ...proxies].map((server) => server[Symbol.asyncDispose]()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
