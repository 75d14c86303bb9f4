import type { Engine, ProgramEnd } from "./engine.ts";

/** root, the user of the -nonroot tags, and one that no file knows. */
const USERS = [0, 8737, 12_345];

interface Check {
  what: string;
  images: readonly string[];
  argv: readonly string[];
  expect: (end: ProgramEnd) => boolean;
}

const ALL = ["argoexec", "init", "wait"];
const WITH_GIT = ["argoexec", "init"];

/** A program in the image's Node.js that complains of every file which should not be as it is. */
const LOOK_AT_FILES = `
  const { lstatSync, readdirSync } = require("node:fs");
  const bad = [];
  const look = (path) => {
    const { mode, uid, gid } = lstatSync(path);
    if ((mode & 0o6000) !== 0) bad.push(path + " has a setuid bit");
    if (uid !== 0 || gid !== 0) bad.push(path + " belongs to " + uid + ":" + gid);
    if ((mode & 0o170000) === 0o100000 && (mode & 0o444) !== 0o444) bad.push(path + " cannot be read by everybody");
    if ((mode & 0o170000) === 0o40000) for (const name of readdirSync(path)) look(path + "/" + name);
  };
  for (const top of ["bin", "etc/ssl", "etc/ssh", "etc/mime.types", "opt", "usr"]) look("/" + top);
  for (const name of ["bin/perl", "bin/npm", "bin/apt-get", "share/doc", "share/man", "share/locale"])
    try { lstatSync("/usr/" + name); bad.push("/usr/" + name + " is not needed"); } catch {}
  console.log(bad.join("\\n"));
  process.exitCode = bad.length === 0 ? 0 : 1;
`;

const CHECKS: readonly Check[] = [
  {
    what: "argoexec is found by its name",
    images: ALL,
    argv: ["argoexec", "version", "--short"],
    expect: ({ exitCode, output }) => exitCode === 0 && /^argoexec: \d/.test(output),
  },
  {
    what: "the front starts the core, which says what it misses",
    images: ALL,
    argv: ["/bin/argoexec", "init"],
    expect: ({ exitCode, output }) => exitCode === 1 && output.includes("environment variable ARGO_POD_NAME"),
  },
  {
    what: "git with its helper for http",
    images: WITH_GIT,
    argv: ["/usr/bin/git", "ls-remote", "https://127.0.0.1:1/x"],
    expect: ({ output }) => output.includes("Failed to connect to 127.0.0.1 port 1"),
  },
  {
    what: "git starts ssh by a shell",
    images: WITH_GIT,
    argv: ["/usr/bin/git", "-c", "core.sshCommand=ssh -V; exit 1;", "ls-remote", "ssh://h/x"],
    expect: ({ output }) => output.includes("OpenSSH"),
  },
  {
    what: "git-lfs",
    images: WITH_GIT,
    argv: ["/usr/bin/git", "lfs", "version"],
    expect: ({ exitCode, output }) => exitCode === 0 && output.startsWith("git-lfs/"),
  },
  {
    what: "time zones",
    images: ALL,
    argv: ["/opt/skein/bin/node", "-p", "new Date(0).toLocaleTimeString('de', { timeZone: 'Asia/Tokyo' })"],
    expect: ({ output }) => output.trim() === "09:00:00",
  },
  {
    what: "files are root's, readable, without setuid bits, and none too many",
    images: ALL,
    argv: ["/opt/skein/bin/node", "--eval", LOOK_AT_FILES],
    expect: ({ exitCode }) => exitCode === 0,
  },
];

/** Runs what an image has to be able to do, as several users. */
export async function checkImages(engine: Engine, tag: string, say: (line: string) => void): Promise<void> {
  if (!engine.run)
    return say(`images: ${engine.name} cannot run containers here, so the images are not tried`);
  for (const { what, images, argv, expect } of CHECKS) {
    for (const name of images) {
      for (const user of USERS) {
        const image = `localhost/skein/${name}:${tag}`;
        const end = await engine.run(image, { argv, user });
        if (expect(end)) continue;
        throw new Error(
          `${image} as user ${user}: ${what}: ${argv.slice(0, 3).join(" ")} ended with ${end.exitCode}:\n${end.output.trim()}`,
        );
      }
    }
  }
  const nonroot = await engine.run(`localhost/skein/argoexec:${tag}-nonroot`, {
    argv: ["/opt/skein/bin/node", "-p", "process.getuid()"],
  });
  if (nonroot.output.trim() !== "8737")
    throw new Error(`the -nonroot tag runs as ${nonroot.output.trim()}, not 8737`);
  say(`images: ${CHECKS.length} things tried in each image as users ${USERS.join(", ")}: all is well`);
}
