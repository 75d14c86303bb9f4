import { type Artifact, ArtifactError, driverType, type HttpLocation } from "@skein/contract";
import type { ArtifactDriver } from "./driver.ts";
import type { S3Connector } from "./s3/connect.ts";
import type { SecretReader } from "./secret-reader.ts";
import type { TransferSettings } from "./settings.ts";

/** A store may think longer about a request it has got whole than a connection may stand still in the middle of one. */
const PATIENCE = 6;

export interface Drivers {
  /** Loads the code for the artifact's kind, so that no transfer is charged with it. */
  prepare(artifact: Artifact): Promise<void>;
  /**
   * The driver for where the artifact is.
   *
   * @throws ArtifactError `artifact.unsupported_driver`
   */
  create(artifact: Artifact): Promise<ArtifactDriver>;
  close(): Promise<void>;
}

export function createDrivers(secrets: SecretReader, settings: TransferSettings): Drivers {
  let connector: S3Connector | undefined;
  const s3 = async (): Promise<S3Connector> => {
    const { createS3Connector } = await import("./s3/connect.ts");
    const { requests, proxyEnv, stallTimeoutMs } = settings;
    connector ??= createS3Connector(secrets, {
      maxSockets: requests * 2,
      idleTimeoutMs: PATIENCE * stallTimeoutMs,
      proxyEnv,
    });
    return connector;
  };
  const createHttp = async (at: HttpLocation, name: "http" | "artifactory"): Promise<ArtifactDriver> => {
    const { createHttpDriver } = await import("./http/http-driver.ts");
    const { stallTimeoutMs, minBytesPerSecond, proxyEnv } = settings;
    return createHttpDriver(at, { name, secrets, stallTimeoutMs, minBytesPerSecond, proxyEnv });
  };
  return {
    async prepare(artifact) {
      switch (driverType(artifact)) {
        case "s3":
          await Promise.all([import("./s3/s3-driver.ts"), s3()]);
          break;
        case "git":
          await import("./git/git-driver.ts");
          break;
        case "http":
        case "artifactory":
          await import("./http/http-driver.ts");
          break;
        default:
          break;
      }
    },
    async create(artifact) {
      const type = driverType(artifact);
      if (type === "s3" && artifact.s3) {
        const at = artifact.s3;
        const { createS3Driver } = await import("./s3/s3-driver.ts");
        return createS3Driver(at, {
          connect: async (transfer) => (await s3()).connect(at, transfer),
          rangeBytes: settings.rangeBytes,
          maxStreams: settings.ranges,
          stallTimeoutMs: settings.stallTimeoutMs,
          minBytesPerSecond: settings.minBytesPerSecond,
          partBytes: settings.partBytes,
          partsInFlight: settings.partsInFlight,
          limits: settings.unpackLimits,
        });
      }
      if (type === "git" && artifact.git) {
        const { createGitDriver } = await import("./git/git-driver.ts");
        return createGitDriver(artifact.git, { name: artifact.name, secrets, ...settings.git });
      }
      if (type === "http" && artifact.http) return createHttp(artifact.http, "http");
      if (type === "artifactory" && artifact.artifactory) {
        const { url, ...basicAuth } = artifact.artifactory;
        return createHttp({ url, auth: { basicAuth } }, "artifactory");
      }
      if (type === "raw" && artifact.raw) {
        const { createRawDriver } = await import("./raw/raw-driver.ts");
        return createRawDriver(artifact.raw);
      }
      throw new ArtifactError(`Unsupported artifact driver for ${artifact.name}`, {
        code: "artifact.unsupported_driver",
        remedy: type
          ? `${type} is not one of s3, git, http, artifactory and raw`
          : "give the artifact a location",
      });
    },
    close: async () => connector?.close(),
  };
}
