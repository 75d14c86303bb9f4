import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What is at a path, such as `dir 755`, `file 644 @1700000000 "text"`, `link -> target`. */
export type Tree = Record<string, string>;

/** Everything below a directory, by relative path; names that are not UTF-8 with one character per byte. */
export function readTree(root: string): Tree {
  const tree: Tree = Object.create(null); // a file may be called __proto__
  visit(Buffer.from(root), "", tree);
  return tree;
}

function visit(path: Buffer, name: string, tree: Tree): void {
  const stats = lstatSync(path);
  if (name !== "") tree[name] = describe(path);
  if (!stats.isDirectory()) return;
  for (const child of readdirSync(path, { encoding: "latin1" }).sort()) {
    visit(
      Buffer.concat([path, Buffer.from(`/${child}`, "latin1")]),
      name === "" ? child : `${name}/${child}`,
      tree,
    );
  }
}

function describe(path: Buffer): string {
  const stats = lstatSync(path);
  const mode = (stats.mode & 0o7777).toString(8);
  if (stats.isSymbolicLink()) return `link -> ${readlinkSync(path, { encoding: "latin1" })}`;
  if (stats.isDirectory()) return `dir ${mode}`;
  if (!stats.isFile()) return `special ${mode}`;
  return `file ${mode} @${Math.floor(stats.mtimeMs / 1000)} ${JSON.stringify(readFileSync(path, "latin1"))}`;
}
