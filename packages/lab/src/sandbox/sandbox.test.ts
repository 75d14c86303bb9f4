import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { machineTree, readMounts } from "./machine.ts";
import { removeTree } from "./remove-tree.ts";
import { planRoot } from "./root-plan.ts";
import { type ContainerSpec, createSandbox, type Sandbox, type SandboxMount } from "./sandbox.ts";
import type { SandboxProcess } from "./sandbox-process.ts";
import { findSandboxTools } from "./tools.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Root has both kinds of container; an ordinary user has the second one. */
const KINDS = [
  { title: "an overlay over the whole root", layout: "whole", upper: "disk", userNamespace: false },
  { title: "pieces in a user namespace", layout: "pieces", upper: "disk", userNamespace: true },
  { title: "writes kept in memory", layout: "pieces", upper: "memory", userNamespace: true },
] as const;

const possible = KINDS.filter((kind) => kind.userNamespace || process.getuid?.() === 0);

describe.each(possible)("a container of $title", ({ layout, upper, userNamespace }) => {
  let directory: string;
  let sandbox: Sandbox;
  let count = 0;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "lab-sandbox-"));
    const machineMounts = readMounts();
    mkdirSync(join(directory, "hidden"));
    sandbox = createSandbox({
      tools: findSandboxTools(process.env.PATH),
      userNamespace,
      layout,
      upper,
      parts: planRoot(layout, machineMounts, machineTree),
      machineMounts,
      hiddenDirectory: join(directory, "hidden"),
    });
  });
  afterAll(() => {
    removeTree(directory);
  });

  interface Started {
    process: SandboxProcess;
    /** The exit code and everything it wrote. */
    finish(): Promise<{ exitCode: number; output: string; terminationMessage: string }>;
  }

  async function start(command: string, spec: Partial<ContainerSpec> = {}): Promise<Started> {
    count += 1;
    const log = join(directory, `${count}.log`);
    const terminationLog = join(directory, `${count}.termination`);
    const process = await sandbox.start({
      argv: ["sh", "-c", command],
      environment: { PATH },
      mounts: [],
      terminationLog,
      log,
      stateDirectory: join(directory, `state-${count}`),
      ...spec,
    });
    const finish = async () => ({
      exitCode: await process.exitCode,
      output: readFileSync(log, "utf8"),
      terminationMessage: readFileSync(terminationLog, "utf8"),
    });
    return { process, finish };
  }

  async function run(command: string, spec: Partial<ContainerSpec> = {}) {
    return (await start(command, spec)).finish();
  }

  function volume(name: string): string {
    const path = join(directory, name);
    mkdirSync(path);
    return path;
  }

  it("has a /tmp and a root of its own: two that write /tmp/x and /x do not meet", async () => {
    const write = (text: string): string =>
      `echo ${text} >/tmp/x; echo ${text} >/x; until [ -e /meet/other ]; do :; done; cat /tmp/x /x`;
    const meet = volume("meet");
    const mounts = [{ source: meet, target: "/meet" }];
    const [first, second] = await Promise.all([
      start(write("first"), { mounts }),
      start(write("second"), { mounts }),
    ]);
    writeFileSync(join(meet, "other"), "");
    expect((await first.finish()).output).toBe("first\nfirst\n");
    expect((await second.finish()).output).toBe("second\nsecond\n");
    expect(() => readFileSync("/x")).toThrow();
  });

  it("can read and run what the machine has, and changes none of it", async () => {
    const file = "/etc/hostname-of-the-lab";
    const { output, exitCode } = await run(
      `cat /etc/passwd | head -c 4; echo changed >${file} && cat ${file}`,
    );
    expect(output).toBe(`${readFileSync("/etc/passwd", "utf8").slice(0, 4)}changed\n`);
    expect(exitCode).toBe(0);
    expect(() => readFileSync(file)).toThrow();
  });

  it("sees its volumes where they are mounted, links on the way or not, one within another", async () => {
    const outer = volume("outer");
    const inner = volume("inner");
    const mounts: SandboxMount[] = [
      { source: inner, target: "/var/run/argo/deep/inner" },
      { source: outer, target: "/var/run/argo" },
    ];
    const { exitCode } = await run("echo o >/var/run/argo/o && echo i >/var/run/argo/deep/inner/i", {
      mounts,
    });
    expect(exitCode).toBe(0);
    expect(readFileSync(join(outer, "o"), "utf8")).toBe("o\n");
    expect(readFileSync(join(inner, "i"), "utf8")).toBe("i\n");
  });

  it("has single files as mounts, and what is read-only stays as it is", async () => {
    const file = join(directory, "secret");
    writeFileSync(file, "quiet");
    const mounts = [{ source: file, target: "/argo/secret/a/key", readOnly: true }];
    const { output } = await run("cat /argo/secret/a/key; echo loud >/argo/secret/a/key && echo written", {
      mounts,
    });
    expect(output).toMatch(/^quiet/);
    expect(output).not.toMatch(/written/);
    expect(readFileSync(file, "utf8")).toBe("quiet");
  });

  it("gets exactly the environment it is given", async () => {
    const { output } = await run("env | cut -d= -f1 | sort | tr '\\n' ' '", {
      environment: { PATH, GREETING: "a b" },
    });
    // A shell brings its own.
    expect(output.replace(/PWD |SHLVL |_ /g, "")).toBe("GREETING PATH ");
  });

  it("runs its command as process 1, and everything it has started ends with it", async () => {
    const shared = volume("shared");
    const keepLock = "(flock 9; : >/shared/held; exec sleep 60) 9>/shared/lock &";
    const { output } = await run(`echo $$; ${keepLock} until [ -e /shared/held ]; do :; done`, {
      mounts: [{ source: shared, target: "/shared" }],
    });
    expect(output).toBe("1\n");
    expect(spawnSync("flock", ["--nonblock", join(shared, "lock"), "true"]).status).toBe(0);
  });

  it("ends with its command's code, or as a shell reports a signal", async () => {
    expect((await run("exit 7")).exitCode).toBe(7);
    const { process, finish } = await start("exec sleep 60");
    process.kill("SIGKILL");
    expect((await finish()).exitCode).toBe(137);
    process.kill("SIGKILL"); // ended already: no error
  });

  it("hands signals to its command", async () => {
    const ready = volume(`ready-${count}`);
    const { process, finish } = await start(
      "trap 'echo caught; exit 3' TERM; : >/ready/now; while :; do sleep 0.01; done",
      {
        mounts: [{ source: ready, target: "/ready" }],
      },
    );
    while (!exists(join(ready, "now"))) await sleep(5);
    expect([process.catches("SIGTERM"), process.catches("SIGUSR1")]).toEqual([true, false]);
    process.kill("SIGTERM");
    expect(await finish()).toMatchObject({ exitCode: 3, output: "caught\n" });
  });

  it("has a termination log, devices and a process table of its own", async () => {
    const { terminationMessage, output } = await run(
      "echo why >/dev/termination-log; head -c 2 /dev/zero | wc -c; echo gone >/dev/null; ls /proc | grep -c '^[0-9]'",
    );
    expect(terminationMessage).toBe("why\n");
    const [zeros, processes] = output.trim().split("\n").map(Number);
    expect(zeros).toBe(2);
    expect(processes).toBeLessThan(8);
  });

  it("starts in a working directory that is made when it is missing", async () => {
    expect((await run("pwd", { workingDirectory: "/work/space" })).output).toBe("/work/space\n");
    expect((await run("pwd")).output).toBe("/\n");
  });

  it("does not show the lab's own working files", async () => {
    writeFileSync(join(directory, "hidden/secret"), "x");
    const { output } = await run(`ls ${join(directory, "hidden")} 2>/dev/null; true`);
    expect(output).toBe("");
  });

  it("says so when the command does not exist, the way a shell does", async () => {
    const { exitCode, output } = await run("", { argv: ["no-such-program"] });
    expect(exitCode).toBe(127);
    expect(output).toMatch(/no-such-program.*not found/);
  });

  it("fails to start, with the reason, when a mount is impossible", async () => {
    const file = join(directory, "plain");
    writeFileSync(file, "");
    const mounts = [
      { source: file, target: "/x/y" },
      { source: volume(`under-${count}`), target: "/x/y/z" },
    ];
    await expect(run("true", { mounts })).rejects.toThrow(/\/x\/y|ENOTDIR/);
  });

  // Only root can become somebody else.
  if (!userNamespace) {
    it("can be locked: a plain user, no capabilities, nothing to write on but mounts", async () => {
      const source = volume(`locked-${count}`);
      chmodSync(source, 0o777);
      const { output } = await run(
        "id -u; grep CapBnd /proc/self/status; touch /x /tmp/x 2>&1 | grep -c 'Read-only'; touch /vol/x && echo written",
        {
          mounts: [{ source, target: "/vol" }],
          securityContext: { runAsUser: 8737, readOnlyRootFilesystem: true },
        },
      );
      expect(output).toBe("8737\nCapBnd:\t0000000000000000\n2\nwritten\n");
    });
  }

  it("leaves nothing that cannot be removed", async () => {
    const { exitCode } = await run("mkdir -p /made/here && touch /made/here/f && chmod 0 /made/here");
    expect(exitCode).toBe(0);
    const state = join(directory, `state-${count}`);
    removeTree(state);
    expect(exists(state)).toBe(false);
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EISDIR";
  }
}

describe("removeTree", () => {
  it("does not mind that there is nothing", () => {
    removeTree(join(tmpdir(), "there-is-no-such-directory"));
  });

  it("removes a link, not what it points to", () => {
    const directory = mkdtempSync(join(tmpdir(), "lab-remove-"));
    try {
      writeFileSync(join(directory, "kept"), "");
      mkdirSync(join(directory, "tree"));
      rmSync(join(directory, "tree"), { recursive: true });
      removeTree(join(directory, "tree"));
      expect(exists(join(directory, "kept"))).toBe(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
