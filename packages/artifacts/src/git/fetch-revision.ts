import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Fetching,
  fetchFromMirror,
  fetchFromOrigin,
  isRefusedByServer,
  isWithoutShallow,
  resolveCommit,
} from "./fetch-commit.ts";
import { formatConfig } from "./git-config.ts";
import { findMirror } from "./git-mirrors.ts";
import { OBJECT_NAME, parseRevision, type Revision } from "./git-revision.ts";
import { listRemote, type RemoteRef } from "./list-remote.ts";

/** A commit that has been fetched. */
export interface FoundCommit {
  commit: string;
  /** The branch or tag that led to it. */
  name: string | undefined;
  kind: "branch" | "tag" | undefined;
}

/**
 * Fetches just the wanted commit, with as much history as the depth says, into a new repository.
 *
 * @returns nothing when the server does not know it by this name, or does not give single commits away
 */
export async function fetchWanted(fetching: Fetching, revision: Revision): Promise<FoundCommit | undefined> {
  await initRepository(fetching, revision);
  const ref = (await fromMirror(fetching, revision)) ?? (await fromOrigin(fetching, revision));
  if (ref === undefined) return undefined;
  await keepRef(fetching, ref);
  const { work, cwd } = fetching;
  const commit = await resolveCommit(work, cwd, `${ref.object}${revision.suffix}`);
  return commit === undefined ? undefined : { commit, name: ref.name, kind: ref.kind };
}

/** Finds a revision in a complete clone, in which every branch of the server becomes a local one, as upstream's do. */
export async function findInHistory(fetching: Fetching, revision: string): Promise<FoundCommit | undefined> {
  const { work, cwd } = fetching;
  await makeLocalBranches(fetching);
  const found = await resolveCommit(work, cwd, revision);
  const parsed = parseRevision(revision);
  if (found !== undefined) return { commit: found, ...(await namedBy(fetching, parsed)) };
  if (parsed === undefined) return undefined;
  // A tag beside the single branch, a commit that no branch leads to any more: most servers give them away.
  try {
    await fetchFromOrigin(fetching, ["--no-tags", "origin", parsed.base]);
  } catch (error) {
    if (isRefusedByServer(error)) return undefined;
    throw error;
  }
  const ref = await readFetched(fetching);
  const commit = await resolveCommit(work, cwd, `${ref.object}${parsed.suffix}`);
  if (commit === undefined) return undefined;
  await keepRef(fetching, ref);
  return { commit, name: ref.name, kind: ref.kind };
}

async function initRepository({ work, cwd, from }: Fetching, { base }: Revision): Promise<void> {
  const { git, at } = work;
  const format = base.length === 64 && OBJECT_NAME.test(base) ? ["--object-format=sha256"] : [];
  await git.run(["init", "--quiet", "--template=", ...format], { doing: "cannot make a repository", cwd });
  const branch = at.singleBranch ? at.branch : "*";
  const fetch = `+refs/heads/${branch}:refs/remotes/origin/${branch}`;
  const remote = { name: "remote", subsection: "origin", values: { url: from.url, fetch } };
  await appendFile(join(cwd, ".git/config"), formatConfig([remote]));
}

/** What a name means now only the server can say; the objects may then come from this machine's copy. */
async function fromMirror(
  fetching: Fetching,
  { base, generations }: Revision,
): Promise<RemoteRef | undefined> {
  const { work, from } = fetching;
  if (work.at.singleBranch || findMirror(from, work.mirrors) === undefined) return undefined;
  const ref: RemoteRef | undefined = OBJECT_NAME.test(base)
    ? { object: base, name: undefined, kind: undefined }
    : await listRemote(fetching, base);
  if (ref === undefined) return undefined;
  const args = ["--no-tags", `--depth=${work.depth + generations}`];
  const mirror = await fetchFromMirror(fetching, args, [ref.object]);
  if (mirror === undefined) return undefined;
  work.reporter.mirror(mirror);
  return ref;
}

async function fromOrigin(
  fetching: Fetching,
  { base, generations }: Revision,
): Promise<RemoteRef | undefined> {
  const { work } = fetching;
  const { at, reporter } = work;
  const branch = at.singleBranch ? [`+refs/heads/${at.branch}:refs/remotes/origin/${at.branch}`] : [];
  try {
    await fetchFromOrigin(fetching, [
      "--no-tags",
      `--depth=${work.depth + generations}`,
      "origin",
      base,
      ...branch,
    ]);
  } catch (error) {
    if (!isRefusedByServer(error)) throw error;
    const reason = isWithoutShallow(error)
      ? "the server gives no shallow history"
      : "the server has no such name, or gives no single commits away";
    reporter.fallback(reason, {});
    return undefined;
  }
  return await readFetched(fetching);
}

/** Whatever was asked for first is in the first line: `<object>\t\tbranch 'main' of https://…`. */
async function readFetched({ cwd }: Fetching): Promise<RemoteRef> {
  const [line = ""] = (await readFile(join(cwd, ".git/FETCH_HEAD"), "utf8")).split("\n");
  const [, object = "", kind, name] = /^([0-9a-f]+)\t[^\t]*\t(?:(branch|tag) '(.+)' of )?/.exec(line) ?? [];
  return { object, name, kind: kind as RemoteRef["kind"] };
}

/** Names what was fetched as a clone would have. */
async function keepRef({ work, cwd }: Fetching, { object, name, kind }: RemoteRef): Promise<void> {
  const { singleBranch, branch } = work.at;
  const updates: string[] = [];
  if (singleBranch) updates.push(`update refs/heads/${branch} refs/remotes/origin/${branch}\n`);
  if (name !== undefined && kind === "tag") updates.push(`update refs/tags/${name} ${object}\n`);
  if (name !== undefined && kind === "branch") {
    updates.push(`update refs/remotes/origin/${name} ${object}\n`);
    if (!singleBranch || name !== branch) updates.push(`update refs/heads/${name} ${object}\n`);
  }
  if (updates.length === 0) return;
  const doing = "cannot name what was fetched";
  await work.git.run(["update-ref", "--stdin"], { doing, cwd, input: updates.join("") });
  if (kind !== "branch" || name === undefined) return;
  const tracking = { remote: "origin", merge: `refs/heads/${name}` };
  const section = { name: "branch", subsection: name, values: tracking };
  await appendFile(join(cwd, ".git/config"), formatConfig([section]));
}

async function makeLocalBranches({ work, cwd }: Fetching): Promise<void> {
  const { git } = work;
  const format = "--format=%(objectname) %(refname:lstrip=3)";
  const doing = "cannot name the branches";
  const listed = await git.run(["for-each-ref", format, "refs/remotes/origin"], { doing, cwd });
  const branches = listed.split("\n").map((line) => line.split(" "));
  const input = branches
    .filter(([object, name]) => object && name && name !== "HEAD")
    .map(([object, name]) => `update refs/heads/${name} ${object}\n`)
    .join("");
  await git.run(["update-ref", "--stdin"], { doing, cwd, input });
}

/** The branch or tag a revision begins with, as git itself resolves names. */
async function namedBy(
  { work, cwd }: Fetching,
  revision: Revision | undefined,
): Promise<Pick<FoundCommit, "name" | "kind">> {
  const nothing = { name: undefined, kind: undefined };
  if (revision === undefined) return nothing;
  const args = ["rev-parse", "--symbolic-full-name", "--end-of-options", revision.base];
  const full = await work.git.run(args, { doing: "cannot resolve a name", cwd });
  const [, kind, name] = /^refs\/(heads|tags|remotes\/origin)\/(.+)$/m.exec(full) ?? [];
  return name === undefined ? nothing : { name, kind: kind === "tags" ? "tag" : "branch" };
}
