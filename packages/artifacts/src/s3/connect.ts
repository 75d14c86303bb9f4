import type { S3Location } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import type { Transfer } from "../transfer.ts";
import type { AwsConnection, ConnectionSettings } from "./aws-connection.ts";
import { connectionKey, connectionOptions } from "./connection-options.ts";
import { chooseEncryption } from "./encryption.ts";
import type { ObjectStore } from "./object-store.ts";

/** Opens stores for locations; artifacts that are reached the same way share one connection. */
export interface S3Connector {
  /** Loads the SDK, which is what takes longest to load. */
  prepare(): Promise<void>;
  connect(at: S3Location, transfer: Transfer): Promise<ObjectStore>;
  close(): Promise<void>;
}

export function createS3Connector(readSecret: SecretReader, settings: ConnectionSettings): S3Connector {
  const connections = new Map<string, Promise<AwsConnection>>();
  const open = async (at: S3Location): Promise<AwsConnection> => {
    const { createAwsConnection } = await import("./aws-connection.ts");
    return createAwsConnection(await connectionOptions(at, readSecret), settings);
  };
  const shared = (at: S3Location): Promise<AwsConnection> => {
    const key = connectionKey(at);
    const known = connections.get(key) ?? open(at);
    connections.set(key, known);
    return known;
  };
  return {
    async prepare() {
      await Promise.all([import("./aws-connection.ts"), import("./aws-object-store.ts")]);
    },
    async connect(at, transfer) {
      const { AwsObjectStore } = await import("./aws-object-store.ts");
      const store = await transfer.clock.during("credentials", async () => {
        const encryption = await chooseEncryption(at, readSecret);
        const connection = await shared(at);
        return new AwsObjectStore({ connection, bucket: at.bucket ?? "", encryption });
      });
      await transfer.retry(() =>
        transfer.clock.during("credentials", () => store.authenticate(transfer.signal)),
      );
      return store;
    },
    async close() {
      for (const connection of connections.values()) (await connection).close();
      connections.clear();
    },
  };
}
