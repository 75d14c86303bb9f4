/**
 * Runs inside a container, by the image's own Node.js: looks at everything in the image and prints a line for each thing
 * that is not as it should be.
 *
 *     node inside.ts argoexec|init|wait
 */
import { spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";

const [image = ""] = process.argv.slice(2);
const hasGit = image !== "wait";
const complaints: string[] = [];

/** Complains unless it is so; an error is a complaint, too. */
function check(what: string, isSo: () => boolean): void {
  try {
    if (!isSo()) complaints.push(what);
  } catch (error) {
    complaints.push(`${what}: ${(error as Error).message}`);
  }
}

/** What a program says, and how it ended, in one text. */
function run(program: string, ...argv: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: "utf8" });
  return error ? error.message : `${status}: ${stdout}${stderr}`;
}

const files: string[] = [];
for (const top of ["bin", "etc", "lib", "lib64", "opt", "usr", "var"]) look(`/${top}`);
for (const file of files) checkProgram(file);
checkCaches("/opt/skein/core");
checkTexts();
checkPrograms();
await checkNames();
process.stdout.write(complaints.map((line) => `${line}\n`).join(""));
process.exitCode = complaints.length === 0 ? 0 : 1;

/** Nothing runs as somebody else, nothing belongs to anybody else than root, and everybody may read everything. */
function look(path: string): void {
  let stat: ReturnType<typeof lstatSync>;
  try {
    stat = lstatSync(path);
  } catch {
    return; // lib64 is there only where the loader is in it
  }
  // The engine's: they are put over what the image has.
  if (["/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/mtab", "/var/tmp"].includes(path)) return;
  check(`${path} has a setuid, setgid or sticky bit`, () => (stat.mode & 0o7000) === 0);
  check(`${path} belongs to ${stat.uid}:${stat.gid}`, () => stat.uid === 0 && stat.gid === 0);
  if (stat.isDirectory()) {
    check(`${path} cannot be entered by everybody`, () => (stat.mode & 0o005) === 0o005);
    for (const name of readdirSync(path)) look(`${path}/${name}`);
  } else if (stat.isFile()) {
    check(`${path} cannot be read by everybody`, () => (stat.mode & 0o004) === 0o004);
    files.push(path);
  } else if (stat.isSymbolicLink()) {
    check(`${path} leads nowhere`, () => statSync(path, { throwIfNoEntry: false }) !== undefined);
  }
}

/** By the loader itself. */
function checkProgram(path: string): void {
  const bytes = readFileSync(path);
  if (bytes.toString("latin1", 0, 4) !== "\x7fELF") return;
  if (path === "/bin/argoexec") {
    check(`${path} is not static`, () => !bytes.includes("ld-linux"));
    return;
  }
  const loader = process.arch === "arm64" ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";
  const listed = run(loader, "--list", path);
  check(`${path} lacks libraries: ${listed}`, () => listed.startsWith("0:") && !listed.includes("not found"));
}

/** A cache that V8 refuses costs a compilation at every start. */
function checkCaches(directory: string): void {
  const chunks = readdirSync(directory).filter((name) => name.endsWith(".js"));
  check("the core has no chunks", () => chunks.length > 10);
  for (const name of chunks) {
    const filename = `${directory}/${name}`;
    check(`V8 refuses the code cache of ${name}`, () => {
      const cachedData = readFileSync(`${filename}.cache`);
      return (
        new Script(readFileSync(filename, "latin1"), { filename, cachedData }).cachedDataRejected === false
      );
    });
  }
}

function checkTexts(): void {
  const read = (path: string): string => readFileSync(path, "utf8");
  check("nsswitch.conf", () => read("/etc/nsswitch.conf") === "hosts: files dns\n");
  check("MIME types", () => /^text\/html\s/m.test(read("/etc/mime.types")));
  check("certificates", () => read("/etc/ssl/certs/ca-certificates.crt").split("BEGIN CERT").length > 100);
  check("known hosts", () => /^ssh\.dev\.azure\.com ssh-rsa /m.test(read("/etc/ssh/ssh_known_hosts")));
  check("time zones", () => lstatSync("/usr/share/zoneinfo/Asia/Tokyo").isFile());
  // Scanners find Debian's packages by the one, people by the other; they must not contradict each other.
  const { packages } = JSON.parse(read("/opt/skein/sbom.spdx.json")) as {
    packages: { SPDXID: string; name: string }[];
  };
  const listed = packages.filter(({ SPDXID }) => SPDXID.startsWith("SPDXRef-deb-")).map(({ name }) => name);
  const installed = readdirSync("/var/lib/dpkg/status.d").sort();
  check(`SBOM: ${listed} are not ${installed}`, () => `${listed.sort()}` === `${installed}`);
  check("licences", () => installed.every((name) => read(`/usr/share/doc/${name}/copyright`).length > 100));
  check("documents", () =>
    files.every((path) => !path.startsWith("/usr/share/doc/") || path.endsWith("/copyright")),
  );
  for (const name of [
    "bin/perl",
    "bin/apt-get",
    "bin/bash",
    "bin/npm",
    "share/man",
    "share/locale",
    "lib/locale",
  ]) {
    check(`/usr/${name} is too much`, () => !lstatSync(`/usr/${name}`, { throwIfNoEntry: false }));
  }
}

function checkPrograms(): void {
  const says = (expected: RegExp, ...[program = "", ...argv]: string[]): void => {
    const said = run(program, ...argv);
    check(`${[program, ...argv].join(" ")} says ${said}`, () => expected.test(said));
  };
  says(/^0: argoexec: \d/, "argoexec", "version", "--short");
  says(/^1: (.|\n)*ARGO_POD_NAME/, "argoexec", "init");
  if (hasGit) {
    says(/^0: git version/, "git", "--version");
    says(/^0: git-lfs\//, "git", "lfs", "version");
    // For a user without a name it needs nss_wrapper, which loading by ssh tries.
    says(/^0: OpenSSH|No user exists for uid 12345/, "ssh", "-V");
  }
  for (const name of hasGit ? [] : ["git", "ssh", "git-lfs", "sh"]) says(/ENOENT/, name);
  check("the root file system can be written", () => {
    try {
      writeFileSync("/opt/skein/x", "");
      return false;
    } catch {
      return true;
    }
  });
  check("/tmp cannot be written by everybody", () => (lstatSync("/tmp").mode & 0o1777) === 0o1777);
}

/** By glibc, which asks nsswitch.conf, and by /etc/hosts. */
async function checkNames(): Promise<void> {
  const found = await lookup("localhost", { family: 4 }).catch((error: Error) => ({
    address: error.message,
  }));
  check(`localhost is ${found.address}`, () => found.address === "127.0.0.1");
}
