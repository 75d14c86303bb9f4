import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

/** Another program that unpacks. */
export interface OtherReader {
  name: string;
  /** Why it cannot be compared with on this machine. */
  missing: string | undefined;
  /** @returns whether it was content with the archive */
  extract(archive: Buffer, into: string): boolean;
}

const PYTHON_TAR = `import sys, tarfile
with tarfile.open(fileobj=sys.stdin.buffer, mode='r|') as archive:
    archive.extractall(sys.argv[1], filter='data')`;

const PYTHON_ZIP = `import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])`;

function programMissing(program: string, ...args: string[]): string | undefined {
  const { error, status } = spawnSync(program, args);
  return error === undefined && status === 0 ? undefined : `there is no ${program} here`;
}

/** The filters are in 3.12, and in the security releases of older lines. */
function dataFilterMissing(): string | undefined {
  const missing = programMissing("python3", "-c", "import tarfile; tarfile.data_filter");
  return missing && "the python3 here has no tarfile.data_filter";
}

function fromInput(program: string, args: (into: string) => string[]): OtherReader["extract"] {
  return (archive, into) => {
    mkdirSync(into, { recursive: true });
    const { status } = spawnSync(program, args(into), { input: archive, maxBuffer: 2 ** 28 });
    return status === 0;
  };
}

function fromFile(program: string, args: (path: string, into: string) => string[]): OtherReader["extract"] {
  return (archive, into) => {
    mkdirSync(into, { recursive: true });
    writeFileSync(`${into}.archive`, archive);
    return spawnSync(program, args(`${into}.archive`, into)).status === 0;
  };
}

export const TAR_READERS: readonly OtherReader[] = [
  {
    name: "GNU tar",
    missing: programMissing("tar", "--version"),
    extract: fromInput("tar", (into) => [
      "-xpf",
      "-",
      "--no-same-owner",
      "--warning=no-timestamp",
      "-C",
      into,
    ]),
  },
  {
    name: "bsdtar",
    missing: programMissing("bsdtar", "--version"),
    extract: fromInput("bsdtar", (into) => ["-xpf", "-", "--no-same-owner", "-C", into]),
  },
  {
    name: "Python's tarfile with the data filter",
    missing: dataFilterMissing(),
    extract: fromInput("python3", (into) => ["-c", PYTHON_TAR, into]),
  },
];

export const ZIP_READERS: readonly OtherReader[] = [
  {
    name: "Info-ZIP",
    missing: programMissing("unzip", "-v"),
    extract: fromFile("unzip", (path, into) => ["-qq", "-o", path, "-d", into]),
  },
  {
    name: "bsdtar",
    missing: programMissing("bsdtar", "--version"),
    extract: fromFile("bsdtar", (path, into) => ["-xpf", path, "--no-same-owner", "-C", into]),
  },
  {
    name: "Python's zipfile",
    missing: programMissing("python3", "--version"),
    extract: fromFile("python3", (path, into) => ["-c", PYTHON_ZIP, path, into]),
  },
];
