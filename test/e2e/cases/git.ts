import assert from "node:assert/strict";
import { createGitRepository } from "../../support/git-repository.ts";
import { startGitServer } from "../../support/git-server.ts";
import { startSshServer } from "../../support/ssh-server.ts";
import { NAMESPACE } from "../cluster/access.ts";
import type { Case, CaseContext } from "../suite/case.ts";
import { assertArchivedLog, assertSucceeded } from "../suite/expect.ts";

const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;

/** Of a secret of the case's own, so that two versions do not meet. */
function secretName({ version }: CaseContext, kind: string): string {
  return `${kind}-${version.name.replace(".", "-")}-${version.layout}`;
}

export const GIT_CASES: readonly Case[] = [
  {
    name: "git-http",
    shows: "a checkout over http with a password, of a branch's older commit, becomes the input at its path",
    async run(context) {
      const { world, step } = context;
      await using repository = await createGitRepository();
      const commit = await repository.commit("first", { "src/a.txt": "first\n" });
      await repository.commit("second", { "src/a.txt": "second\n" });
      await using server = await startGitServer(repository.path, {
        username: "reader",
        password: "git-password-of-the-suite",
      });
      const secret = secretName(context, "git-http");
      await world.api.admin.create(SECRETS, {
        metadata: { name: secret },
        stringData: { username: "reader", password: "git-password-of-the-suite" },
      });
      const end = await step({
        template: {
          name: "git-http",
          inputs: {
            artifacts: [
              {
                name: "source",
                path: "/src",
                git: {
                  repo: `${server.url}/.git`,
                  revision: commit,
                  usernameSecret: { name: secret, key: "username" },
                  passwordSecret: { name: secret, key: "password" },
                },
              },
            ],
          },
          container: { image: world.images.busybox, command: ["cat", "/src/src/a.txt"] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "first\n");
      const spans = await end.spans("loadArtifact");
      const load = spans.find(({ name }) => name === "loadArtifact");
      assert.equal(load?.attributes["vcs.ref.head.revision"], commit);
    },
  },
  {
    name: "git-ssh",
    shows: "a checkout over ssh with a key, from a host whose key is known",
    async run(context) {
      const { world, step } = context;
      await using repository = await createGitRepository();
      await repository.commit("only", { "a.txt": "over ssh\n" });
      await using server = await startSshServer();
      const secret = secretName(context, "git-ssh");
      await world.api.admin.create(SECRETS, {
        metadata: { name: secret },
        stringData: { key: server.privateKey, hosts: server.knownHost },
      });
      const end = await step({
        executorEnv: [{ name: "SSH_KNOWN_HOSTS", value: "/known/hosts" }],
        patchPod: ({ spec }) => {
          const items = [{ key: "hosts", path: "hosts" }];
          spec.volumes.push({ name: "known-hosts", secret: { secretName: secret, items } });
          const [loader] = spec.initContainers ?? spec.containers;
          loader?.volumeMounts?.push({ name: "known-hosts", mountPath: "/known", readOnly: true });
        },
        template: {
          name: "git-ssh",
          inputs: {
            artifacts: [
              {
                name: "source",
                path: "/src",
                git: {
                  repo: `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`,
                  revision: "main",
                  sshPrivateKeySecret: { name: secret, key: "key" },
                },
              },
            ],
          },
          container: { image: world.images.busybox, command: ["cat", "/src/a.txt"] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "over ssh\n");
    },
  },
];
