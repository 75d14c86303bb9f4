import type { Fetching } from "./fetch-commit.ts";

/** What a name means on a server. */
export interface RemoteRef {
  object: string;
  /** Of the branch or tag. */
  name: string | undefined;
  kind: "branch" | "tag" | undefined;
}

/** Asks the server what a name means now. Tags first, as git itself resolves names (gitrevisions(7)). */
export async function listRemote(
  { work, cwd, doing }: Fetching,
  name: string,
): Promise<RemoteRef | undefined> {
  const listed = await work.retry(() =>
    work.git.run(["ls-remote", "origin", name], { doing, cwd, work: "server" }),
  );
  const objects = new Map<string, string>();
  for (const line of listed.split("\n")) {
    const [object = "", ref = ""] = line.split("\t");
    if (ref !== "") objects.set(ref, object);
  }
  for (const [prefix, kind] of [
    ["", undefined],
    ["refs/", undefined],
    ["refs/tags/", "tag"],
    ["refs/heads/", "branch"],
  ] as const) {
    const object = objects.get(`${prefix}${name}`);
    if (object !== undefined) return described(`${prefix}${name}`, object, kind);
  }
  return undefined;
}

function described(ref: string, object: string, kind: RemoteRef["kind"]): RemoteRef {
  const [, where, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (name === undefined) return { object, name: undefined, kind };
  return { object, name, kind: where === "tags" ? "tag" : "branch" };
}
