import { parseExecutorConfig } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { parseTransferSettings } from "./settings.ts";

const MIB = 1024 * 1024;

function parse(env: Record<string, string> = {}) {
  const config = parseExecutorConfig({ ARGO_POD_NAME: "p", ARGO_DEADLINE: "0001-01-01T00:00:00Z", ...env });
  return parseTransferSettings(config, env);
}

describe("parseTransferSettings", () => {
  it("has defaults for everything", () => {
    expect(parse()).toMatchObject({
      memoryBytes: 32 * MIB,
      requests: 64,
      artifacts: 8,
      rangeBytes: 8 * MIB,
      ranges: 8,
      partBytes: 8 * MIB,
      partsInFlight: 4,
      stallTimeoutMs: 10_000,
      minBytesPerSecond: 4096,
      retry: { baseDelayMs: 1000, factor: 1.6, budgetMs: 120_000 },
      git: { program: "git", knownHosts: ["/etc/ssh/ssh_known_hosts"] },
    });
  });

  it("takes upstream's variables and its own", () => {
    const settings = parse({
      ARTIFACT_S3_UPLOAD_THREADS: "9",
      ARTIFACT_S3_UPLOAD_PART_SIZE_MIB: "32",
      EXECUTOR_RETRY_BACKOFF_DURATION: "100ms",
      TRANSIENT_ERROR_PATTERN: "Rate exceeded",
      SSH_KNOWN_HOSTS: "/a:/b",
      SKEIN_TRANSFER_MEMORY_MIB: "256",
      SKEIN_STALL_TIMEOUT_SECONDS: "30",
      SKEIN_RETRY_BUDGET_SECONDS: "7",
    });
    expect(settings).toMatchObject({
      partsInFlight: 9,
      partBytes: 32 * MIB,
      memoryBytes: 256 * MIB,
      stallTimeoutMs: 30_000,
      retry: { baseDelayMs: 100, budgetMs: 7_000, alsoTransient: /Rate exceeded/ },
      git: { knownHosts: ["/a", "/b"] },
    });
  });

  it("compresses with as many threads as it is told, as far as Node's thread pool has them", () => {
    expect(parse({ SKEIN_COMPRESS_THREADS: "2" }).compressBlocks).toBe(3);
    expect(parse({ SKEIN_COMPRESS_THREADS: "12" }).compressBlocks).toBe(4);
    expect(parse({ SKEIN_COMPRESS_THREADS: "12", UV_THREADPOOL_SIZE: "13" }).compressBlocks).toBe(13);
    expect(parse().compressBlocks).toBeGreaterThanOrEqual(2);
    expect(() => parse({ SKEIN_COMPRESS_THREADS: "all" })).toThrow("SKEIN_COMPRESS_THREADS");
  });

  it("does not retry where upstream is told not to", () => {
    expect(parse({ EXECUTOR_RETRY_BACKOFF_STEPS: "1" }).retry.budgetMs).toBe(0);
  });

  it("ignores a pattern that is none, as upstream does", () => {
    expect(parse({ TRANSIENT_ERROR_PATTERN: "(" }).retry.alsoTransient).toBeUndefined();
  });

  it("lets git see proxies and certificates, and no secret of the pod", () => {
    const { git } = parse({
      PATH: "/bin",
      HOME: "/root",
      https_proxy: "http://proxy",
      SSL_CERT_DIR: "/certs",
      AWS_SECRET_ACCESS_KEY: "s3cret",
      KUBERNETES_TOKEN: "t0ken",
    });
    expect(git.env).toEqual({ PATH: "/bin", https_proxy: "http://proxy", SSL_CERT_DIR: "/certs" });
    expect(git.knownHosts).toEqual(["/root/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"]);
  });

  it.each(["0", "-1", "many", "1.5"])("refuses %j with its name and value", (value) => {
    expect(() => parse({ SKEIN_TRANSFER_REQUESTS: value })).toThrow(
      `environment variable SKEIN_TRANSFER_REQUESTS must be a whole number above 0, got "${value}"`,
    );
  });
});
