import { Secret } from "@skein/contract";
import { expect, it } from "vitest";
import { observedTransfer, s3Location } from "../test-support.ts";
import { createS3Connector } from "./connect.ts";

it("a secret that was not there is asked for again, and keeps no connector from closing", async () => {
  let isThere = false;
  const readSecret = async (): Promise<Secret> => {
    if (isThere) return new Secret("key");
    throw new Error("no such file or directory");
  };
  const connector = createS3Connector(readSecret, { maxSockets: 1, idleTimeoutMs: 1000, proxyEnv: {} });
  const { transfer } = observedTransfer();
  const at = s3Location({ endpoint: "minio:9000", bucket: "b" }, "key");
  await expect(connector.connect(at, transfer)).rejects.toThrow("no such file");
  await connector.close();
  isThere = true;
  await connector.connect(at, transfer);
  await connector.close();
});
