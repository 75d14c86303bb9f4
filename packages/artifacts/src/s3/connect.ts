import type { S3Location } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import type { Transfer } from "../transfer.ts";
import { connectionKey, connectionOptions } from "./connection-options.ts";
import { DirectObjectStore } from "./direct-object-store.ts";
import { chooseEncryption } from "./encryption.ts";
import type { ObjectStore } from "./object-store.ts";
import { type ConnectionSettings, S3Connection } from "./s3-connection.ts";

/** Opens stores for locations; artifacts that are reached the same way share one connection. */
export interface S3Connector {
  connect(at: S3Location, transfer: Transfer): Promise<ObjectStore>;
  close(): Promise<void>;
}

export function createS3Connector(readSecret: SecretReader, settings: ConnectionSettings): S3Connector {
  const connections = new Map<string, Promise<S3Connection>>();
  const shared = (at: S3Location): Promise<S3Connection> => {
    const key = connectionKey(at);
    const known = connections.get(key);
    if (known) return known;
    const made = connectionOptions(at, readSecret).then((options) => new S3Connection(options, settings));
    connections.set(key, made);
    // Nobody needs to close what was never opened, and the next artifact asks again.
    made.catch(() => connections.delete(key));
    return made;
  };
  return {
    async connect(at, transfer) {
      const store = await transfer.clock.during("credentials", async () => {
        const encryption = await chooseEncryption(at, readSecret);
        return new DirectObjectStore({ connection: await shared(at), bucket: at.bucket ?? "", encryption });
      });
      await transfer.retry(() =>
        transfer.clock.during("credentials", () => store.authenticate(transfer.signal)),
      );
      return store;
    },
    async close() {
      for (const connection of connections.values()) await (await connection).close();
      connections.clear();
    },
  };
}
