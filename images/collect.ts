/**
 * Picks the files of the images out of unpacked packages, each part into a tree of its own:
 *
 *     node collect.ts UNPACKED ARCHITECTURE NODE KNOWN-HOSTS DESTINATION
 *
 * UNPACKED is what fetch.sh has made. Runs while an image is built, in the Node.js of the machine that builds; needs
 * nothing else. DESTINATION gets a directory for each part and files.tsv: part, file, package.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { readElf } from "./elf.ts";
import { createParts, LEFT_OUT, type Part } from "./parts.ts";

const [unpacked = "", architecture = "", node = "", knownHosts = "", destination = ""] =
  process.argv.slice(2);
const root = join(unpacked, "root");
const triplet = architecture === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
const libraries = [`/usr/lib/${triplet}`, "/usr/lib"];

/** The package of each file, as the packages have them. */
const owners = readOwners();
/** Files that are in some part already. */
const taken = new Set<string>();
const documented = new Set<string>();
const list: string[] = [];

const parts = createParts({
  node,
  libraries: libraries[0] ?? "",
  certificates: allCertificates(),
  knownHosts: readFileSync(knownHosts, "utf8"),
});
for (const part of parts) collect(part);
writeFileSync(join(destination, "files.tsv"), list.map((line) => `${line}\n`).join(""));

function collect(part: Part): void {
  const place = (path: string): string => {
    const placed = join(destination, part.name, path);
    mkdirSync(dirname(placed), { recursive: true });
    return placed;
  };
  /** The file, and if it is a link, what it leads to, too. */
  const take = (path: string): void => {
    const real = join(realDirectory(dirname(path)), basename(path));
    if (taken.has(real) || LEFT_OUT.test(real)) return;
    taken.add(real);
    const source = join(root, real);
    const stat = lstatSync(source);
    if (stat.isDirectory()) {
      for (const name of readdirSync(source).sort()) take(join(real, name));
      return;
    }
    own(real);
    if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(source), place(real));
      take(resolve(dirname(real), readlinkSync(source)));
    } else {
      copyFileSync(source, place(real));
      // Nothing runs as somebody else, and everything can be read by everybody.
      chmodSync(place(real), (stat.mode & 0o111) === 0 ? 0o644 : 0o755);
    }
  };
  const own = (file: string): void => {
    const owner = owners.get(file);
    if (owner === undefined) throw new Error(`${file} is of no package in packages.lock`);
    list.push(`${part.name}\t${file}\t${owner}`);
    if (documented.has(owner)) return;
    documented.add(owner);
    // What scanners of images look for, as in others that have no package manager; and what its licence demands.
    const control = readFileSync(join(unpacked, "control", owner), "utf8");
    writeFileSync(place(`/var/lib/dpkg/status.d/${owner}`), control);
    copyFileSync(join(root, "usr/share/doc", owner, "copyright"), place(`/usr/share/doc/${owner}/copyright`));
  };
  const takeLibraries = (file: string, by: string): void => {
    const elf = readElf(readFileSync(file));
    if (elf?.interpreter !== undefined) take(elf.interpreter);
    for (const name of elf?.needed ?? []) {
      const path = libraries
        .map((directory) => join(directory, name))
        .find((each) => existsSync(join(root, each)));
      if (path === undefined)
        throw new Error(`${name}, which ${by} needs, is in no package of packages.lock`);
      if (taken.has(path)) continue;
      take(path);
      takeLibraries(join(root, path), path);
    }
  };

  for (const program of part.programs) {
    const isPackaged = program !== node;
    if (isPackaged) take(program);
    takeLibraries(isPackaged ? join(root, program) : program, program);
  }
  for (const file of part.files ?? []) take(file);
  if (part.name === "base") {
    take("/usr/lib/os-release");
    own("/usr/share/ca-certificates");
    linkLibraries(place);
  }
  for (const [path, target] of Object.entries(part.links ?? {})) symlinkSync(target, place(path));
  for (const [path, content] of Object.entries(part.written ?? {})) writeFileSync(place(path), content);
  for (const path of part.directories ?? []) mkdirSync(place(path), { recursive: true });
  if (part.name === "base") chmodSync(place("/tmp"), 0o1777);
}

/** Programs name their interpreter by what is a link in Debian. */
function linkLibraries(place: (path: string) => string): void {
  for (const name of ["lib", "lib64"]) {
    if (existsSync(place(`/usr/${name}`))) symlinkSync(`usr/${name}`, place(`/${name}`));
  }
}

function realDirectory(path: string): string {
  return join("/", relative(realpathSync(root), realpathSync(join(root, path))));
}

function readOwners(): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(join(unpacked, "control")).sort()) {
    if (!name.endsWith(".files")) continue;
    const files = readFileSync(join(unpacked, "control", name), "utf8")
      .split("\n")
      .filter(Boolean);
    for (const file of files)
      found.set(file.replace(/^\/(bin|lib|lib64|sbin)\//, "/usr/$1/"), name.slice(0, -".files".length));
  }
  return found;
}

/** As update-ca-certificates writes them where nobody has chosen some. */
function allCertificates(): string {
  const directory = join(root, "usr/share/ca-certificates/mozilla");
  const names = readdirSync(directory).filter((name) => name.endsWith(".crt"));
  return names
    .sort()
    .map((name) => `${readFileSync(join(directory, name), "utf8").trimEnd()}\n`)
    .join("");
}
