import { existsSync, readFileSync, statSync } from "node:fs";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodRequest, RunningPod } from "../support/pods/pod-request.ts";
import { startSilentServer } from "../support/silent-server.ts";
import { look, parameter, raw, SAYS, said, sh, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const initless = (pod: PodRequest | ((cluster: Cluster) => PodRequest)) => (cluster: Cluster) => ({
  ...(typeof pod === "function" ? pod(cluster) : pod),
  layout: "initless" as const,
});

const inputs: ConformanceCase[] = [
  {
    section: "9.1",
    statement: "a pod without inputs runs, and its task result is complete",
    pod: initless({ template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p") }),
    expect: { outputs: said("v") },
    check: ({ shared }) => {
      expect(readFileSync(shared("status"), "utf8")).toBe("READY\n");
      expect(statSync(shared("template")).mode & 0o777).toBe(0o444);
      expect(existsSync(shared("argoexec")), "a copy of the binary").toBe(false);
    },
  },
  {
    section: "9.5",
    statement: "an input artifact is linked to its path in main, whose parents are made",
    pod: initless({
      template: { container: {}, ...SAYS, inputs: { artifacts: [raw("a", "/tmp/deep/er/a", "data")] } },
      argv: sh("readlink /tmp/deep/er/a >/tmp/p; cat /tmp/deep/er/a >>/tmp/p"),
    }),
    expect: { outputs: said("/argo/inputs/artifacts/a\ndata") },
  },
  {
    section: "9.5",
    statement: "what the image has at the path of an input is replaced by the link",
    rootOnly: "the root file system is read-only",
    pod: initless({
      template: { container: {}, ...SAYS, inputs: { artifacts: [raw("a", "/etc/motd.d", "data")] } },
      argv: sh("cat /etc/motd.d >/tmp/p"),
    }),
    expect: { outputs: said("data") },
  },
  {
    section: "9.1",
    statement: "an input artifact comes from S3 and is unpacked",
    pod: initless((cluster) => {
      cluster.putObject("initless/in.txt", "from s3");
      return {
        template: {
          container: {},
          ...SAYS,
          archiveLocation: cluster.repository("initless"),
          inputs: { artifacts: [{ name: "a", path: "/tmp/in", s3: { key: "initless/in.txt" } } as never] },
        },
        argv: sh("cp /tmp/in /tmp/p"),
      };
    }),
    expect: { outputs: said("from s3") },
  },
  {
    section: "6",
    statement: "an input whose path is in a volume is loaded into the volume and not linked",
    pod: initless({
      template: {
        container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
        ...SAYS,
        inputs: { artifacts: [raw("a", "/work/in/a", "data")] },
      },
      volumes: ["/work"],
      argv: sh("test ! -L /work/in/a; cp /work/in/a /tmp/p"),
    }),
    expect: { outputs: said("data") },
  },
  {
    section: "9.1",
    statement: "an optional input that nobody supplied is passed over",
    pod: initless({
      template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/tmp/a", optional: true }] } },
      argv: sh("test ! -e /tmp/a"),
    }),
  },
  {
    section: "9.1",
    statement: "a script is staged for main",
    pod: initless({
      template: { script: { source: "echo from the script >/tmp/p" }, ...SAYS },
      argv: ["sh", "/argo/staging/script"],
    }),
    expect: { outputs: said("from the script") },
  },
  {
    section: "9.5",
    statement: "an input at the working directory is where the command runs",
    pod: initless({
      template: {
        container: { volumeMounts: [] },
        ...SAYS,
        inputs: { artifacts: [raw("a", "/tmp/not-cwd", "x")] },
      },
      workingDirectory: "/usr",
      argv: sh("pwd >/tmp/p"),
    }),
    expect: { outputs: said("/usr") },
  },
  {
    section: "9.6",
    statement: "an output at the path of an input is read from main's own file system",
    pod: initless((cluster) => ({
      template: {
        container: {},
        inputs: { artifacts: [raw("a", "/tmp/a", "in")] },
        outputs: { artifacts: [{ name: "o", path: "/tmp/a", archive: { none: {} } }] },
        archiveLocation: cluster.repository("initless-same"),
      },
      argv: sh("rm /tmp/a; echo out >/tmp/a"),
    })),
    expect: { objects: { "initless-same/a": "out\n" } },
  },
  {
    section: "9.4",
    statement: "a sidecar waits for the supervisor, too, and is stopped after main",
    pod: initless({
      template: { container: {}, ...SAYS, inputs: { artifacts: [raw("a", "/tmp/a", "x")] } },
      argv: sh("echo v >/tmp/p"),
      sidecars: { side: sh("test -s /var/run/argo/template; sleep 600") },
    }),
    expect: { exitCodes: { side: 143 }, outputs: said("v") },
  },
  {
    section: "9.4",
    statement: "the members of a containerSet wait for the supervisor, and follow their dependencies",
    pod: initless({
      template: {
        containerSet: {
          volumeMounts: [{ name: "w", mountPath: "/work" }],
          containers: [{ name: "a" }, { name: "main", dependencies: ["a"] }],
        },
        outputs: { parameters: [parameter("p", "/work/p")] },
      },
      volumes: ["/work"],
      members: { a: sh("echo a >/work/a"), main: sh("cat /work/a >/work/p") },
    }),
    expect: { outputs: { parameters: [{ ...parameter("p", "/work/p"), value: "a" }] } },
  },
];

const neverReady = (text: string | RegExp) => ({
  exitCodes: { supervisor: 64, main: 65 },
  messages: {
    supervisor: text,
    main: /^supervisor reported pre-main failure: /,
  },
});

const failures: ConformanceCase[] = [
  {
    section: "9.1",
    statement:
      "a required input that nobody supplied fails the supervisor with 64 and main with 65, both saying so",
    pod: initless({
      template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/tmp/a" }] } },
      argv: sh("echo never >/tmp/p"),
    }),
    expect: neverReady(/^failed to load non-plugin input artifacts: required artifact 'a' not supplied$/),
    check: ({ main, shared }) => {
      expect(main?.terminationMessage).toContain("required artifact 'a' not supplied");
      expect(readFileSync(shared("status"), "utf8")).toMatch(/^FAILED\nfailed to load/);
      expect(readFileSync(shared("ctr/main/exitcode"), "utf8")).toBe("65");
    },
  },
  {
    section: "9.1",
    statement: "when inputs fail, no outputs are collected, but the report is complete",
    pod: initless((cluster) => ({
      template: {
        container: {},
        inputs: { artifacts: [{ name: "a", path: "/tmp/a" }] },
        outputs: { artifacts: [{ name: "o", path: "/tmp/o" }], ...SAYS.outputs },
        archiveLocation: cluster.repository("initless-failed", { archiveLogs: true }),
      },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
    })),
    expect: neverReady(/required artifact 'a'/),
    check: ({ result }) => expect(result?.outputs ?? {}).toEqual({}),
  },
  {
    section: "9.1",
    statement: "an input of a plugin fails with a text that names the plugin",
    pod: initless({
      template: { container: {} },
      env: { ARGO_INPUT_ARTIFACT_PLUGIN_NAMES: "store" },
    }),
    expect: neverReady(/^failed to load input artifacts from plugin "store": /),
  },
  {
    section: "9.2",
    statement: "a template that cannot be read ends the supervisor with 2, and main does not wait in vain",
    pod: initless({ template: { container: {} }, templateText: "{" }),
    expect: {
      exitCodes: { supervisor: 2, main: 65 },
      messages: { supervisor: /^template in the environment/, main: /pre-main failure: template in the env/ },
      complete: false,
    },
  },
  {
    section: "9.5",
    statement:
      "an input whose path resolves into a volume, or contains one, is refused rather than clearing the volume",
    pod: initless({
      template: {
        container: { volumeMounts: [{ name: "w", mountPath: "/tmp/in/work" }] },
        inputs: { artifacts: [raw("a", "/tmp/in", "data")] },
      },
      volumes: ["/tmp/in/work"],
    }),
    expect: {
      exitCodes: { main: 65 },
      messages: { main: /^refusing to stage input artifact "a" at \/tmp\/in: / },
    },
  },
  {
    section: "9.5",
    statement:
      "an input at a path below another's is there, too, whichever is declared first; an output above both has what they are",
    run: async (cluster) => {
      cluster.putObject("nested/in/a", "A");
      cluster.putObject("nested/in/sub/b", "B");
      const outer = { name: "outer", path: "/tmp/w/in", archive: { none: {} }, s3: { key: "nested/in" } };
      const inner = raw("inner", "/tmp/w/in/sub/c", "C");
      for (const artifacts of [
        [outer, inner],
        [inner, outer],
      ]) {
        const end = await runPod(cluster, {
          layout: "initless",
          template: {
            container: {},
            inputs: { artifacts },
            outputs: { artifacts: [{ name: "o", path: "/tmp/w" }] },
            archiveLocation: cluster.repository("nested/out"),
          },
          argv: sh("cd /tmp/w; ln -s in/a link; cat in/a in/sub/b in/sub/c"),
        });
        expect(end.main?.exitCode, end.main?.log).toBe(0);
        expect(end.main?.log).toContain("ABC");
        const consumer = await runPod(cluster, {
          template: {
            container: {},
            inputs: { artifacts: [{ name: "o", path: "/tmp/w", s3: { key: "nested/out/o.tgz" } }] },
            archiveLocation: cluster.repository("nested/out"),
          },
        });
        expect(look(consumer.input("o")), consumer.init.log).toEqual({
          in: { a: "A", sub: { b: "B", c: "C" } },
          link: "-> in/a",
        });
      }
    },
  },
];

const silent = await startSilentServer();
const SLOW_INPUT = (cluster: Cluster) => ({
  container: {},
  inputs: {
    artifacts: [
      { name: "a", path: "/tmp/a", s3: { ...cluster.repository("k").s3, endpoint: silent } } as never,
    ],
  },
});
const isRunning = (pod: RunningPod): boolean =>
  existsSync(pod.shared("status")) && readFileSync(pod.shared("status"), "utf8") === "RUNNING\n";

const endings: ConformanceCase[] = [
  {
    section: "9.2",
    statement: "while inputs are being loaded, the marker says RUNNING and shows a sign of life every 5 s",
    pod: initless((cluster) => ({
      template: SLOW_INPUT(cluster),
      onRunning: async (pod) => {
        await until(() => isRunning(pod));
        const first = statSync(pod.shared("status")).mtimeMs;
        await until(() => statSync(pod.shared("status")).mtimeMs > first);
        const second = statSync(pod.shared("status")).mtimeMs;
        expect(second - first).toBeGreaterThan(4000);
        expect(second - first).toBeLessThan(9000);
        pod.wait.kill("SIGTERM");
      },
    })),
    expect: { ...neverReady(/^failed to load/) },
  },
  {
    section: "9.1",
    statement: "SIGTERM while inputs are being loaded ends the load, and the task result is complete",
    pod: initless((cluster) => ({
      template: SLOW_INPUT(cluster),
      onRunning: async (pod) => {
        await until(() => isRunning(pod) && existsSync(pod.shared("template")));
        pod.wait.kill("SIGTERM");
      },
    })),
    expect: neverReady(/SIGTERM/),
  },
  {
    section: "8.4",
    statement: "a deadline that passes while inputs are being loaded ends the pod with its message",
    pod: initless((cluster) => ({
      template: SLOW_INPUT(cluster),
      env: { ARGO_DEADLINE: new Date(Date.now() + 8000).toISOString() },
    })),
    expect: {
      ...neverReady(/^Step exceeded its deadline$/),
      messages: {
        supervisor: "Step exceeded its deadline",
        main: "supervisor reported pre-main failure: Step exceeded its deadline",
      },
    },
  },
  {
    section: "9.4",
    statement: "main that is told to stop while it waits for the supervisor ends with 65",
    pod: initless((cluster) => ({
      template: SLOW_INPUT(cluster),
      controller: false,
      onRunning: async (pod) => {
        await until(() => isRunning(pod) && existsSync(pod.shared("ctr/main")));
        pod.main.kill("SIGTERM");
        await pod.main.exitCode;
        pod.wait.kill("SIGTERM");
      },
    })),
    expect: {
      exitCodes: { supervisor: 64, main: 65 },
      messages: { supervisor: /SIGTERM/, main: /./ },
    },
  },
  {
    section: "9.1",
    statement: "SIGTERM while main runs does not lose what main leaves",
    pod: initless({
      template: { container: {}, ...SAYS },
      argv: sh("trap 'echo stopped >/tmp/p; exit 3' TERM; touch /var/run/argo/up; sleep 600 & wait"),
      onRunning: async (pod) => {
        await until(() => existsSync(pod.shared("up")));
        for (const container of Object.values(pod.containers)) container.kill("SIGTERM");
      },
    }),
    expect: { exitCodes: { main: 3 }, outputs: said("stopped") },
  },
  {
    section: "20.1",
    statement: "the supervisor's span holds those of its loading and of its saving",
    pod: initless((cluster) => ({
      template: {
        container: {},
        inputs: { artifacts: [raw("a", "/tmp/a", "x")] },
        outputs: { artifacts: [{ name: "o", path: "/tmp/o" }] },
        archiveLocation: cluster.repository("initless-trace"),
      },
      argv: sh("echo o >/tmp/o"),
    })),
    check: ({ spans }) => {
      const supervisor = spans.find(({ name }) => name === "runSupervisorContainer");
      const below = spans.filter((span) => span.parentSpanId === supervisor?.spanId).map(({ name }) => name);
      expect(below).toEqual(
        expect.arrayContaining(["stageFiles", "loadArtifacts", "saveArtifacts", "createTaskResult"]),
      );
      expect(spans.map(({ name }) => name)).not.toContain("runWaitContainer");
    },
  },
];

conformance("init-less pods", [...inputs, ...failures, ...endings]);
