import { existsSync } from "node:fs";
import { countKnownHosts, inspectRepository } from "@skein/artifacts";
import { ArtifactError, errorMessage, type GitLocation } from "@skein/contract";
import { type Check, fail, ok, RUN_IN_A_POD, skip, warn } from "../check.ts";
import type { Examination } from "../examination.ts";
import { gitRepositories, parseGitHost } from "../git-repositories.ts";

/** The files that say which git servers are who they claim to be. */
export const knownHosts: Check = {
  id: "known-hosts",
  title: "known git hosts",
  needs: ["settings"],
  stuck: { say: "reading a file does not end: look at the volume that SSH_KNOWN_HOSTS is on" },
  async run(examination) {
    if (!examination.inPod && sshHosts(examination).length === 0) return skip(RUN_IN_A_POD);
    const files = examination.settings().git.knownHosts;
    const read = await Promise.all(files.map(count));
    const there = read.filter(({ keys }) => keys !== undefined);
    const evidence = read
      .map(({ file, keys, why }) => `${file}: ${keys === undefined ? why : `${keys} keys`}`)
      .join(", ");
    const unreadable = read.find(({ file, keys }) => keys === undefined && existsSync(file));
    if (unreadable)
      return fail(evidence, `let the executor's user read ${unreadable.file} (its mode, or fsGroup)`);
    if (there.some(({ keys = 0 }) => keys > 0)) return ok(evidence);
    return warn(evidence, `${adviceFor(examination)}; lines are printed by`, scansOf(examination));
  },
};

/** One check for each repository: address, network, host key, credentials. */
export function gitChecks(examination: Examination): Check[] {
  const repositories = gitRepositories(examination);
  return repositories.map((at, index) => gitCheck(at, repositories.length > 1 ? `git-${index + 1}` : "git"));
}

function gitCheck(at: GitLocation, id: string): Check {
  return {
    id,
    title: "git repository",
    needs: ["settings"],
    after: ["dns", "known-hosts"],
    stuck: {
      say: "the git server does not answer: let pods reach it (443 for https, 22 for ssh; docs/install.md, Network), and check HTTPS_PROXY",
    },
    stuckOutside: {
      say: "the git server does not answer this machine (443 for https, 22 for ssh): look for a VPN, a firewall, and HTTPS_PROXY",
    },
    async run({ secrets, settings }, { signal, found }) {
      const options = { secrets, settings: settings().git, signal };
      const { url, commit } = await inspectRepository(at, options).catch((error: unknown) => {
        const isUnknown = error instanceof ArtifactError && error.code === "network.dns";
        if (isUnknown && found.get("dns")?.status === "fail") return { url: "", commit: undefined };
        throw error;
      });
      if (url === "") return skip("dns comes first");
      return ok(commit ? `${url}, HEAD is ${commit.slice(0, 12)}` : `${url}, without a default branch`);
    },
  };
}

async function count(file: string): Promise<{ file: string; keys: number | undefined; why: string }> {
  try {
    return { file, keys: await countKnownHosts(file), why: "" };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return { file, keys: undefined, why: isMissing ? "not there" : errorMessage(error) };
  }
}

function adviceFor({ inPod, env }: Examination): string {
  if (!inPod)
    return "git over ssh will be refused here: add a line for each git server to ~/.ssh/known_hosts";
  return env.SSH_KNOWN_HOSTS
    ? "SSH_KNOWN_HOSTS must name files that are mounted into init and have a line for each git server"
    : "git over ssh will be refused: mount a file with a line for each git server and name it in SSH_KNOWN_HOSTS";
}

function scansOf(examination: Examination): string[] {
  const hosts = sshHosts(examination);
  return hosts.length > 0 ? hosts.map((host) => `ssh-keyscan ${host}`) : ["ssh-keyscan HOST"];
}

function sshHosts(examination: Examination): string[] {
  const hosts = gitRepositories(examination).flatMap(({ repo }) =>
    /^https?:/.test(repo) ? [] : (parseGitHost(repo) ?? []),
  );
  return [...new Set(hosts)];
}
