import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/**
 * As the hosts publish them:
 * https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/
 * https://docs.github.com/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
 * https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints
 * https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate
 */
const FINGERPRINTS = [
  "bitbucket.org ecdsa-sha2-nistp256 FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0",
  "bitbucket.org ssh-ed25519 ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM",
  "bitbucket.org ssh-rsa 46OSHA1Rmj8E8ERTC6xkNcmGOw9oFxYr0WF6zWW8l1E",
  "github.com ecdsa-sha2-nistp256 p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
  "github.com ssh-ed25519 +DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
  "github.com ssh-rsa uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s",
  "gitlab.com ecdsa-sha2-nistp256 HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw",
  "gitlab.com ssh-ed25519 eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8",
  "gitlab.com ssh-rsa ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ",
  "ssh.dev.azure.com ssh-rsa ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og",
  "vs-ssh.visualstudio.com ssh-rsa ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og",
];

it("knows the hosts that everybody uses by the keys whose fingerprints they publish, and no others", () => {
  const lines = readFileSync(join(import.meta.dirname, "../../images/ssh_known_hosts"), "utf8")
    .trim()
    .split("\n");
  const found = lines.map((line) => {
    const [host, type, key = ""] = line.split(" ");
    const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64");
    return `${host} ${type} ${digest.replace(/=+$/, "")}`;
  });
  expect(found.sort()).toEqual([...FINGERPRINTS].sort());
});
