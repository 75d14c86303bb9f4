import { readFile } from "node:fs/promises";
import { ArtifactError, errorMessage, type GitLocation, rememberSecret, type Secret } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import type { GitRepository } from "./git-repository.ts";

/** A user and a password, and the addresses that are given them: those that begin with `context`. */
export interface GitCredential {
  /** `https://host:port`, or with a path. */
  context: string;
  username: string;
  password: string;
}

/**
 * What git sends with a password that came alone: hosts that take tokens take them with any user, and git sends nothing
 * at all where the user is empty.
 */
export const ANY_USER = "git";

/** The repository's own credential: for its origin, and for nobody else. A line end cannot be part of it (git-credential(1)). */
export async function readOwnCredential(
  at: GitLocation,
  repository: GitRepository,
  secrets: SecretReader,
): Promise<GitCredential | undefined> {
  if (repository.origin === undefined) return undefined;
  const read = async (selector: GitLocation["usernameSecret"]): Promise<Secret | undefined> =>
    selector && secrets(selector);
  const username = (await read(at.usernameSecret))?.reveal().trim() ?? repository.username ?? "";
  const password = ((await read(at.passwordSecret)) ?? repository.password)?.reveal().trim() ?? "";
  if (username === "" && password === "") return undefined;
  rememberSecret(`${username}:${password}`);
  return { context: repository.origin, username: username || ANY_USER, password };
}

/**
 * Credentials of further hosts: lines of `https://user:password@host[/path]` (git-credential-store(1)). A path narrows
 * one down to the repositories below it.
 *
 * @throws ArtifactError `secret.missing`, or one that names the line and never says what is in it
 */
export async function readCredentialsFile(path: string): Promise<GitCredential[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ArtifactError(`cannot read the credentials of git: ${errorMessage(error)}`, {
      code: "secret.missing",
      remedy: "SKEIN_GIT_CREDENTIALS must name a file that is mounted into this container",
      cause: error,
    });
  }
  rememberSecret(text);
  return text.split(/\r?\n/).flatMap((line, index) => {
    const content = line.trim();
    return content === "" || content.startsWith("#") ? [] : [parseLine(content, `${path}:${index + 1}`)];
  });
}

function parseLine(line: string, where: string): GitCredential {
  const url = URL.canParse(line) ? new URL(line) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || (url.username === "" && url.password === "")) {
    throw new ArtifactError(`${where} is not a credential`, {
      code: "git.refused",
      remedy: "each line must be https://USER:PASSWORD@HOST or https://USER:PASSWORD@HOST/PATH",
    });
  }
  const [username, password] = [url.username, url.password].map(decodeURIComponent);
  rememberSecret(`${username}:${password}`);
  if (password) rememberSecret(password);
  const path = url.pathname.replace(/\/+$/, "");
  return { context: `${url.origin}${path}`, username: username || ANY_USER, password: password ?? "" };
}

/**
 * In the order in which git is to ask: for the repository itself its own, then the nearest of the file's, and its own
 * for what else there is of its origin.
 */
export function orderCredentials(
  own: GitCredential | undefined,
  repositoryUrl: string,
  others: readonly GitCredential[],
): GitCredential[] {
  const byNearness = others.toSorted((a, b) => b.context.length - a.context.length);
  return own ? [{ ...own, context: repositoryUrl }, ...byNearness, own] : byNearness;
}
