import { expect } from "vitest";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

/** One that is nowhere else, so that every place it is found in is a leak. */
const canary = (name: string): string => `canary-${name}-7f3a91c2d4`;
const USER = canary("user");
const PASSWORD = canary("password");

const secretFiles = {
  "cred/accesskey": "AKIAECHO",
  "cred/secretkey": canary("secretkey"),
  "cred/token": canary("session-token"),
  "cred/customer": canary("sse-c-key-of-32-b").padEnd(32, "x").slice(0, 32),
  "web/user": USER,
  "web/password": PASSWORD,
  // Nothing reads it: the header a client makes of the two may not turn up either.
  "web/both": `${USER}:${PASSWORD}`,
  "web/id": "client",
  "web/client": canary("client-secret"),
};
const selector = (name: string, key: string) => ({ name, key });
const userAndPassword = {
  usernameSecret: selector("web", "user"),
  passwordSecret: selector("web", "password"),
};

type Broken = (endpoint: string, cluster: Cluster) => Omit<PodRequest, "secrets">;

const input = (location: object): Omit<PodRequest, "secrets"> => ({
  template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/a", ...location }] } },
});
const s3At = (endpoint: string, more: object = {}) => ({
  s3: {
    endpoint,
    bucket: "b",
    key: "k",
    insecure: true,
    accessKeySecret: selector("cred", "accesskey"),
    secretKeySecret: selector("cred", "secretkey"),
    sessionTokenSecret: selector("cred", "token"),
    ...more,
  },
});
const output = (archiveLocation: object): Omit<PodRequest, "secrets"> => ({
  template: { container: {}, outputs: { artifacts: [{ name: "o", path: "/tmp/o" }] }, archiveLocation },
  argv: ["sh", "-ec", "echo o >/tmp/o"],
});

const BROKEN: readonly [string, Broken][] = [
  ["loading from S3", (endpoint) => input(s3At(endpoint))],
  [
    "loading from S3 with a customer's key",
    (endpoint) =>
      input(
        s3At(endpoint, {
          encryptionOptions: {
            enableEncryption: true,
            serverSideCustomerKeySecret: selector("cred", "customer"),
          },
        }),
      ),
  ],
  ["saving to S3", (endpoint) => output(s3At(endpoint))],
  [
    "making a bucket in S3",
    (endpoint) => output(s3At(endpoint, { createBucketIfNotPresent: { objectLocking: true } })),
  ],
  [
    "loading by http with a password",
    (endpoint) => input({ http: { url: `http://${endpoint}/f`, auth: { basicAuth: userAndPassword } } }),
  ],
  [
    "loading by http with a password in the URL",
    (endpoint) => input({ http: { url: `http://${USER}:${PASSWORD}@${endpoint}/f?sig=${PASSWORD}` } }),
  ],
  [
    "loading by http with a header",
    (endpoint) =>
      input({
        http: {
          url: `http://${endpoint}/f`,
          headers: [{ name: "Authorization", value: `Bearer ${PASSWORD}` }],
        },
      }),
  ],
  [
    "asking for an OAuth 2 token",
    (endpoint) =>
      input({
        http: {
          url: `http://${endpoint}/f`,
          auth: {
            oauth2: {
              clientIDSecret: selector("web", "id"),
              clientSecretSecret: selector("web", "client"),
              tokenURLSecret: selector("web", "tokenurl"),
            },
          },
        },
      }),
  ],
  [
    "saving by http with a password",
    (endpoint) => output({ http: { url: `http://${endpoint}/f`, auth: { basicAuth: userAndPassword } } }),
  ],
  [
    "cloning with a password",
    (endpoint) => input({ git: { repo: `http://${endpoint}/r.git`, ...userAndPassword } }),
  ],
  [
    "cloning with a password in the URL",
    (endpoint) => input({ git: { repo: `http://${USER}:${PASSWORD}@${endpoint}/r.git?token=${PASSWORD}` } }),
  ],
  [
    "reporting to the API server",
    (_, { api }) => ({
      template: { container: {} },
      api: () => ({
        status: 403,
        reason: "Forbidden",
        message: `you said Authorization: Bearer ${api.token}`,
      }),
    }),
  ],
];

/** runPod itself searches every log, message, span, journal, file and result for each secret of the pod. */
async function runBroken(broken: Broken, cluster: Cluster, echo: EchoServer): Promise<PodEnd> {
  return await runPod(cluster, {
    env: { EXECUTOR_RETRY_BACKOFF_DURATION: "10ms", SKEIN_RETRY_BUDGET_SECONDS: "1" },
    ...broken(echo.endpoint, cluster),
    secrets: { ...secretFiles, "web/tokenurl": `http://${echo.endpoint}/token` },
  });
}

conformance("secrets", [
  ...BROKEN.map(
    ([act, broken]): ConformanceCase => ({
      section: "19",
      statement: `no secret is printed, also when ${act} fails at a server that says all it was sent`,
      run: async (cluster) => {
        await using echo = await startEchoServer();
        const { init, wait } = await runBroken(broken, cluster, echo);
        expect([init.exitCode, wait?.exitCode]).toContain(64);
      },
    }),
  ),
  {
    section: "19",
    statement: "no secret is printed when S3 answers with an error that it has itself",
    run: async (cluster) => {
      await using echo = await startEchoServer(500);
      const { init } = await runBroken((endpoint) => input(s3At(endpoint)), cluster, echo);
      expect(init.exitCode).toBe(64);
      expect(echo.count()).toBeGreaterThan(1);
    },
  },
]);
