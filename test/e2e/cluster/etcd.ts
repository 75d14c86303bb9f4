import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { type Server, startServer } from "./process.ts";

export interface Etcd extends Server {
  /** URL for clients. */
  endpoint: string;
}

/** Starts etcd (Debian: etcd-server) with one member that keeps its data below `directory`. */
export async function startEtcd(directory: string): Promise<Etcd> {
  const data = join(directory, "etcd");
  mkdirSync(data, { recursive: true, mode: 0o700 }); // it refuses to use one that others can read
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const server = await startServer({
    argv: [
      "etcd",
      "--data-dir",
      data,
      "--listen-client-urls",
      endpoint,
      "--advertise-client-urls",
      endpoint,
      "--listen-peer-urls",
      peer,
      "--initial-advertise-peer-urls",
      peer,
      "--initial-cluster",
      `default=${peer}`,
    ],
    log: join(directory, "etcd.log"),
    isReady: async () => (await fetch(`${endpoint}/health`)).ok,
  });
  return { ...server, endpoint };
}
