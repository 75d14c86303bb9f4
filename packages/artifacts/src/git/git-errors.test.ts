import type { ErrorCode } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { translateGitFailure } from "./git-errors.ts";

const fail = (stderr: string, more: Partial<Parameters<typeof translateGitFailure>[1]> = {}) =>
  translateGitFailure('failed to clone "https://host/r"', {
    exitCode: 128,
    signal: null,
    stderr,
    sshLog: "",
    ...more,
  });

const GONE =
  "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights";

describe("translateGitFailure", () => {
  it.each<[ErrorCode, boolean, string]>([
    // Who is let in.
    [
      "git.authentication_failed",
      false,
      "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
    ],
    ["git.authentication_failed", false, "fatal: Authentication failed for 'https://gitlab.com/a/b.git/'"],
    [
      "git.authentication_failed",
      false,
      "remote: Support for password authentication was removed on August 13, 2021.\nfatal: Authentication failed for 'https://github.com/a/b/'",
    ],
    [
      "git.authentication_failed",
      false,
      "remote: HTTP Basic: Access denied. The provided password or token is incorrect\nfatal: Authentication failed for 'x'",
    ],
    [
      "git.authentication_failed",
      false,
      "fatal: unable to access 'https://h/r/': The requested URL returned error: 403",
    ],
    ["git.authentication_failed", false, `git@github.com: Permission denied (publickey).\n${GONE}`],
    // What is not there.
    [
      "git.repository_not_found",
      false,
      "remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found",
    ],
    ["git.repository_not_found", false, `ERROR: Repository not found.\n${GONE}`],
    [
      "git.repository_not_found",
      false,
      `remote: ERROR: The project you were looking for could not be found or you don't have permission to view it.\n${GONE}`,
    ],
    [
      "git.repository_not_found",
      false,
      "remote: TF401019: The Git repository with name or identifier x does not exist or you do not have permissions",
    ],
    [
      "git.repository_not_found",
      false,
      `fatal: '/srv/r.git' does not appear to be a git repository\n${GONE}`,
    ],
    ["git.revision_not_found", false, "fatal: couldn't find remote ref nope"],
    ["git.revision_not_found", false, "fatal: Remote branch nope not found in upstream origin"],
    ["git.revision_not_found", false, "fatal: remote error: upload-pack: not our ref 1234"],
    ["git.revision_not_found", false, "error: Server does not allow request for unadvertised object 1234"],
    // The network.
    ["network.dns", true, "fatal: unable to access 'https://h/r/': Could not resolve host: h"],
    ["network.dns", true, `ssh: Could not resolve hostname h: Temporary failure in name resolution\n${GONE}`],
    [
      "network.unreachable",
      true,
      "fatal: unable to access 'https://h/r/': Failed to connect to h port 443 after 1 ms: Couldn't connect to server",
    ],
    ["network.unreachable", true, `ssh: connect to host h port 22: Connection timed out\n${GONE}`],
    ["network.unreachable", true, `kex_exchange_identification: Connection closed by remote host\n${GONE}`],
    [
      "network.tls",
      false,
      "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none CRLfile: none",
    ],
    [
      "network.tls",
      false,
      "fatal: unable to access 'https://h/': SSL: no alternative certificate subject name matches target host name 'h'",
    ],
    [
      "transfer.stalled",
      true,
      "fatal: unable to access 'https://h/r/': Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds",
    ],
    [
      "transfer.interrupted",
      true,
      "error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF\nfatal: index-pack failed",
    ],
    [
      "transfer.interrupted",
      true,
      "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)\nfatal: expected 'packfile'",
    ],
    [
      "transfer.interrupted",
      true,
      "error: RPC failed; curl 56 GnuTLS recv error (-54): Error in the pull function.\nfatal: early EOF",
    ],
    ["transfer.interrupted", true, `client_loop: send disconnect: Broken pipe\nfatal: early EOF`],
    ["transfer.interrupted", true, `Timeout, server h not responding.\n${GONE}`],
    [
      "git.failed",
      true,
      "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\nfatal: expected flush after ref listing",
    ],
    ["git.failed", true, "fatal: unable to access 'https://h/': The requested URL returned error: 429"],
    // This machine.
    ["disk.full", false, "fatal: write error: No space left on device\nfatal: index-pack failed"],
    ["disk.full", false, "error: unable to create file a/b: Disk quota exceeded"],
    ["disk.permission_denied", false, "error: unable to create file a/b: Permission denied"],
    [
      "disk.permission_denied",
      false,
      "fatal: could not create leading directories of '/x/.git': Read-only file system",
    ],
    ["git.refused", false, "fatal: transport 'file' not allowed"],
    ["git.refused", false, "No user exists for uid 8737\nfatal: Could not read from remote repository."],
    [
      "git.lfs_failed",
      false,
      "git-lfs filter-process: 1: git-lfs: not found\nfatal: the remote end hung up unexpectedly",
    ],
    // Whatever it was.
    ["git.failed", false, "error: index-pack died of signal 9\nfatal: index-pack failed"],
    ["git.failed", false, "fatal: protocol error: bad line length character: <htm"],
    ["git.failed", false, "fatal: something new"],
  ])("%s (again: %s): %s", (code, transient, stderr) => {
    expect(fail(stderr)).toMatchObject({ code, transient });
  });

  it.each([
    ["error: index-pack died of signal 9", /more \(executor\.resources\)/],
    ["fatal: protocol error: bad line length character: <htm", /does not speak git's protocol/],
    ["remote: Support for password authentication was removed on August 13, 2021.", /takes tokens only/],
    ["fatal: write error: No space left on device", /ephemeral storage/],
  ])("says what to do about %s", (stderr, remedy) => {
    expect(fail(stderr).remedy).toMatch(remedy);
  });

  it("says what git said, without its progress and without who asked", () => {
    const stderr =
      "Cloning into '/x'...\nremote: Counting objects: 1% (1/100)\rremote: Counting objects: 100% (100/100)\n" +
      "Receiving objects: 3%\rfatal: unable to access 'https://ann:s3cret@host/r/': no\n";
    expect(fail(stderr).message).toBe(
      "failed to clone \"https://host/r\": fatal: unable to access 'https://host/r/': no",
    );
  });

  it("says how git ended when it said nothing", () => {
    expect(fail("").message).toContain(": git exited with 128");
    expect(fail("", { exitCode: null, signal: "SIGKILL" }).message).toContain(": git was killed by SIGKILL");
  });

  it("takes what ssh wrote into its log, without what is for debugging", () => {
    const sshLog =
      "debug1: Connection established.\nAuthenticated to h\ngit@h: Permission denied (publickey).\n";
    const error = fail(GONE, { sshLog });
    expect(error.code).toBe("git.authentication_failed");
    expect(error.message).toContain("Permission denied (publickey).");
    expect(error.message).not.toContain("debug1");
  });
});
