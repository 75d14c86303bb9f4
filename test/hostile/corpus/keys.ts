import type { Outcome } from "./hostile-case.ts";

/** A directory artifact in an object store whose keys somebody else has chosen. */
export interface HostileKeys {
  advisory: string;
  what: string;
  /** Contents by key, below {@link PREFIX}. */
  objects: Readonly<Record<string, string>>;
  outcome: Outcome;
}

/** The key of the artifact, and a slash. */
export const PREFIX = "out/";

const ESCAPE: Outcome = { refused: "s3.key_escape", because: /^the key ".*" (leads|would|holds|is)/s };
const CLASH: Outcome = { refused: "s3.key_escape", because: /is in the way of another key/ };

const escapes = (what: string, key: string): HostileKeys => ({
  advisory: "CVE-2025-62156 (argo-workflows), as a key",
  what,
  objects: { "out/fine": "1", [key]: "owned" },
  outcome: ESCAPE,
});

const clashes = (what: string, objects: Record<string, string>): HostileKeys => ({
  advisory: "CVE-2021-32803 (node-tar), as keys",
  what,
  objects,
  outcome: CLASH,
});

const stays = (
  advisory: string,
  what: string,
  objects: Record<string, string>,
  tree: Record<string, string>,
): HostileKeys => ({
  advisory,
  what,
  objects,
  outcome: { tree },
});

/** The mode of files depends on the umask, so trees name none. */
const file = (text: string): string => `file ${JSON.stringify(text)}`;

export const KEYS: readonly HostileKeys[] = [
  escapes("a key that leads outside", "out/../victim/secret"),
  escapes("a key that leads outside after a detour", "out/a/../../victim/secret"),
  escapes("a key that ends in ..", "out/.."),
  escapes("a key that ends in ../", "out/a/../../"),
  escapes("a key that leads to a neighbour whose name begins like the root's", "out/../into-sibling/secret"),
  escapes("an absolute key", "out//etc/evil"),
  escapes("a NUL in a key", "out/e\0vil"),
  clashes("a key that is a file and a directory", { "out/a": "file", "out/a/b": "below" }),
  clashes("the same, in the other order", { "out/a/b": "below", "out/a": "file" }),
  clashes("a key that is a file and an empty directory", { "out/a": "one", "out/a/": "" }),
  clashes("two keys for one path", { "out/a": "one", "out/./a": "two" }),
  clashes("two keys for one path, by an empty segment", { "out/a/b": "one", "out/a//b": "two" }),
  stays(
    "CVE-2021-37701 (node-tar), as keys",
    "names that only look dangerous",
    { "out/..a": "1", "out/a\\..\\b": "2", "out/-rf": "3", "out/a//b": "4", "out/C:x": "5", "out/...": "6" },
    {
      "-rf": file("3"),
      "...": file("6"),
      "..a": file("1"),
      "C:x": file("5"),
      a: "dir",
      "a/b": file("4"),
      "a\\..\\b": file("2"),
    },
  ),
  stays(
    "prototype pollution, as keys",
    "names of JavaScript's own objects",
    { "out/__proto__/x": "1", "out/constructor": "2" },
    { ["__proto__"]: "dir", "__proto__/x": file("1"), constructor: file("2") },
  ),
  stays(
    "CVE-2026-23950 (node-tar), as keys",
    "names that a case-blind or normalising file system would fold",
    { "out/stra\u00dfe": "1", "out/strasse": "2", "out/STRASSE": "3", "out/e\u0301": "4", "out/\u00e9": "5" },
    Object.fromEntries(
      [
        ["stra\u00dfe", "1"],
        ["strasse", "2"],
        ["STRASSE", "3"],
        ["e\u0301", "4"],
        ["\u00e9", "5"],
      ].map(([name = "", text = ""]) => [Buffer.from(name).toString("latin1"), file(text)]),
    ),
  ),
];
