import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { output, parameter, raw, SAYS, said, sh, sharedText } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const written = sh("echo v >/tmp/p");
/** A pod whose template is this text, not what the tests' own serialiser would make of it. */
const ofText = (templateText: string, more: Partial<PodRequest> = {}): PodRequest => ({
  template: { container: {} },
  templateText,
  argv: written,
  ...more,
});
const templateOf = (end: PodEnd) => JSON.parse(sharedText(end, "template"));
const outputOf = ({ result }: PodEnd) => result?.outputs?.parameters?.[0];
const fails = (message: string | RegExp) => ({ exitCodes: { init: 64 }, messages: { init: message } });

const anyStrings: ConformanceCase[] = [
  ["1e3", "1000"],
  ["1.50", "1.5"],
  ["123456789012345678", "123456789012345680"],
  ["1e21", "1000000000000000000000"],
  ["0.0000001", "0.0000001"],
  ["-0.5", "-0.5"],
  ["true", "true"],
  ["false", "false"],
].map(
  ([literal, text]): ConformanceCase => ({
    section: "5.2",
    statement: `a default that is ${literal} in JSON is the text ${text}`,
    pod: ofText(
      `{"container":{},"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"/tmp/none","default":${literal}}}]}}`,
    ),
    check: (end) => {
      expect(outputOf(end)).toEqual({
        name: "p",
        valueFrom: { path: "/tmp/none", default: text },
        value: text,
      });
    },
  }),
);

const parameters: ConformanceCase[] = [
  ...anyStrings,
  {
    section: "5.2",
    statement: "numbers and booleans in an enum come back as text",
    pod: ofText(
      '{"container":{},"outputs":{"parameters":[{"name":"p","enum":[1,true,"x",1.50],"valueFrom":{"path":"/tmp/p"}}]}}',
    ),
    check: (end) => expect(outputOf(end)).toMatchObject({ enum: ["1", "true", "x", "1.5"], value: "v" }),
  },
  {
    section: "5.2",
    statement: "a default that is null is none",
    pod: ofText(
      '{"container":{},"outputs":{"parameters":[{"name":"p","valueFrom":{"path":"/tmp/none","default":null}}]}}',
    ),
    expect: { exitCodes: { wait: 64 }, messages: { wait: /no such file or directory/ } },
  },
  {
    section: "1.9",
    statement: "input parameters, which controllers before v3.6 leave in the template, do no harm",
    pod: ofText(
      `{"container":{},"inputs":{"parameters":[{"name":"n","value":7},{"name":"s","value":"x"}]},"outputs":${JSON.stringify(SAYS.outputs)}}`,
    ),
    expect: { outputs: said("v") },
  },
];

const shapes: ConformanceCase[] = [
  {
    section: "5",
    statement: "a template in which everything optional is null is as one without it",
    pod: ofText(
      '{"name":null,"container":{"volumeMounts":null},"inputs":null,"outputs":{"parameters":null,"artifacts":null},' +
        '"sidecars":null,"archiveLocation":null,"script":null,"containerSet":null}',
    ),
  },
  {
    section: "5",
    statement: "artifacts whose other locations are null are what the one that is not says",
    pod: ofText(
      '{"container":{},"inputs":{"artifacts":[{"name":"a","path":"/tmp/a","s3":null,"git":null,"archive":null,"raw":{"data":"x"}}]}}',
      { absent: ["wait", "main"] },
    ),
    check: (end) => expect(readFileSync(end.input("a"), "utf8")).toBe("x"),
  },
  {
    section: "5",
    statement: "the template is handed on as it was understood, with texts of any script",
    pod: ofText(
      '{"name":"žluť 火 🚀","container":{"env":[{"name":"X","value":"\\u0000\\ud83d\\ude80</script>"}]}}',
    ),
    check: (end) =>
      expect(templateOf(end)).toEqual({
        name: "žluť 火 🚀",
        container: { env: [{ name: "X", value: "\u0000🚀</script>" }] },
      }),
  },
  {
    section: "5",
    statement: "a template of the wrong shape ends init with 2, and the text names the field",
    pod: ofText('{"container":{},"outputs":{"parameters":{"p":1}}}', { absent: ["wait", "main"] }),
    expect: { exitCodes: { init: 2 }, messages: { init: /outputs\.parameters must be an array/ } },
  },
  {
    section: "5.1",
    statement: "a template that is a container and something else is taken for a container",
    pod: {
      template: { container: {}, script: { source: "echo no" }, data: {}, ...SAYS },
      argv: written,
    },
    expect: { outputs: said("v") },
  },
];

const locations: ConformanceCase[] = [
  ...[
    { what: "an s3 location without a key", s3: { bucket: "b", endpoint: "127.0.0.1:1" } },
    { what: "a git location without a repository", git: { repo: "" } },
    { what: "an http location without a url", http: { url: "" } },
  ].map(
    ({ what, ...location }): ConformanceCase => ({
      section: "5.3",
      statement: `${what} is as none: required, it is not supplied`,
      pod: {
        template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/tmp/a", ...location }] } },
        absent: ["wait", "main"],
      },
      expect: fails("required artifact 'a' not supplied"),
    }),
  ),
  {
    section: "5.3",
    statement: "of two locations of one artifact s3 is the one that is loaded",
    pod: (cluster) => {
      cluster.putObject("two/locations", "from s3");
      return {
        template: {
          container: {},
          inputs: {
            artifacts: [
              { name: "a", path: "/tmp/a", raw: { data: "raw" }, ...cluster.repository("two/locations") },
            ],
          },
        },
        absent: ["wait", "main"],
      };
    },
    check: (end) => expect(readFileSync(end.input("a"), "utf8")).toBe("from s3"),
  },
  {
    section: "5.3",
    statement: "an artifact with only a key takes the kind of its repository, whatever kind it names itself",
    pod: async () => {
      const server = createServer((request, response) => response.end(`got ${request.url}`));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      server.unref();
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
      return {
        template: {
          container: {},
          inputs: { artifacts: [{ name: "a", path: "/tmp/a", s3: { key: "wf/x" } }] },
          archiveLocation: { http: { url } },
        },
        absent: ["wait", "main"],
      };
    },
    check: (end) => expect(readFileSync(end.input("a"), "utf8")).toBe("got /wf/x"),
  },
  {
    section: "5.3",
    statement: "a key alone is not enough when the repository has no storage",
    pod: {
      template: {
        container: {},
        inputs: { artifacts: [{ name: "a", path: "/tmp/a", s3: { key: "k" } }] },
        archiveLocation: { archiveLogs: true },
      },
      absent: ["wait", "main"],
    },
    expect: fails(/^failed to load artifact 'a': artifact storage is not configured/),
  },
  {
    section: "5.3",
    statement: "a path that does not stay below its first .. is refused, one that does is cleaned",
    pod: {
      template: {
        container: {},
        inputs: { artifacts: [raw("a", "/a/b/../../a/c", "x")] },
      },
      absent: ["wait", "main"],
    },
    expect: fails(/attempted to use a path containing '\.\.'/),
  },
  {
    section: "11.9",
    statement: "an input that the controller has marked as deleted is loaded as any other",
    pod: {
      template: { container: {}, inputs: { artifacts: [raw("a", "/tmp/a", "x", { deleted: true })] } },
      absent: ["wait", "main"],
    },
    check: (end) => expect(readFileSync(end.input("a"), "utf8")).toBe("x"),
  },
  {
    section: "11.9",
    statement: "what the controller alone acts upon comes back in the report",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: {
          artifacts: [output("o", "/tmp/p", { globalName: "g", artifactGC: { strategy: "Never" } })],
        },
        archiveLocation: cluster.repository("gc"),
      },
      argv: written,
    }),
    expect: {
      outputs: {
        artifacts: [
          {
            ...output("o", "/tmp/p"),
            globalName: "g",
            artifactGC: { strategy: "Never" },
            s3: { key: "gc/o.tgz" },
          },
        ],
      },
    },
  },
];

const secrets: ConformanceCase[] = [
  {
    section: "5.6",
    statement: "a secret that is called optional must be there all the same",
    pod: (cluster) => {
      const { s3 } = cluster.repository("k");
      const secretKeySecret = { name: "cred", key: "secretkey", optional: true };
      return {
        template: {
          container: {},
          inputs: { artifacts: [{ name: "a", path: "/tmp/a", s3: { ...s3, secretKeySecret } }] },
        },
        secrets: { "cred/accesskey": "x" },
        absent: ["wait", "main"],
      };
    },
    expect: fails(/open \/argo\/secret\/cred\/secretkey: no such file or directory/),
  },
  {
    section: "5.6",
    statement: "a secret without a name is as none: s3 looks for credentials elsewhere",
    pod: (cluster) => {
      cluster.putObject("nameless", "found");
      const { s3 } = cluster.repository("nameless");
      const nameless = { name: "", key: "x" };
      return {
        template: {
          container: {},
          inputs: {
            artifacts: [
              {
                name: "a",
                path: "/tmp/a",
                s3: { ...s3, accessKeySecret: nameless, secretKeySecret: nameless, useSDKCreds: true },
              },
            ],
          },
        },
        env: { AWS_ACCESS_KEY_ID: cluster.s3.accessKey, AWS_SECRET_ACCESS_KEY: cluster.s3.secretKey },
        absent: ["wait", "main"],
      };
    },
    check: (end) => expect(readFileSync(end.input("a"), "utf8")).toBe("found"),
  },
  {
    section: "5.6",
    statement: "secrets that nothing refers to are not read",
    pod: {
      template: { container: {}, inputs: { artifacts: [raw("a", "/tmp/a", "x")] } },
      secrets: {},
      absent: ["wait", "main"],
    },
    check: (end) => expect(existsSync(end.input("a"))).toBe(true),
  },
  {
    section: "5.2",
    statement: "a parameter without a name is refused by its place in the template",
    pod: {
      template: { container: {}, outputs: { parameters: [{ valueFrom: { path: "/tmp/p" } }] } },
      absent: ["wait", "main"],
    },
    expect: { exitCodes: { init: 2 }, messages: { init: /outputs\.parameters\[0\]\.name/ } },
  },
  {
    section: "5.2",
    statement: "two parameters may read one file",
    pod: {
      template: {
        container: {},
        outputs: { parameters: [parameter("p", "/tmp/p"), parameter("q", "/tmp/p")] },
      },
      argv: written,
    },
    expect: {
      outputs: {
        parameters: [
          { ...parameter("p", "/tmp/p"), value: "v" },
          { ...parameter("q", "/tmp/p"), value: "v" },
        ],
      },
    },
  },
];

conformance("templates", [...parameters, ...shapes, ...locations, ...secrets]);
