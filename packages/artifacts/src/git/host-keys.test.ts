import { describe, expect, it } from "vitest";
import { explainHostKey } from "./host-keys.ts";

const SHOWN = "debug1: Server host key: ssh-ed25519 SHA256:6X2lBLkbPRrcJYqjLhA3gDH0zhfVkg1OJWeo8UlUHIw";

describe("explainHostKey", () => {
  it("says nothing about a connection that failed for something else", () => {
    expect(explainHostKey("")).toBeUndefined();
    expect(explainHostKey(`${SHOWN}\ngit@host: Permission denied (publickey).`)).toBeUndefined();
  });

  it("names host and fingerprint of a server that nobody knows", () => {
    const log = `${SHOWN}
No ED25519 host key is known for github.com and you have requested strict checking.
Host key verification failed.`;
    expect(explainHostKey(log)).toEqual({
      message:
        "the host key of github.com is not known: the server shows ssh-ed25519 SHA256:6X2lBLkbPRrcJYqjLhA3gDH0zhfVkg1OJWeo8UlUHIw",
      remedy: expect.stringContaining("`ssh-keyscan github.com`"),
    });
  });

  it("names the line that is wrong, also when it can no longer be read", () => {
    const log = `${SHOWN}
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Offending RSA key in /nowhere/known_hosts:7
Host key for [10.0.0.1]:2222 has changed and you have requested strict checking.
Host key verification failed.`;
    expect(explainHostKey(log)).toEqual({
      message:
        "the host key of [10.0.0.1]:2222 is not the known one: the server shows ssh-ed25519 SHA256:6X2lBLkbPRrcJYqjLhA3gDH0zhfVkg1OJWeo8UlUHIw, and /nowhere/known_hosts, line 7, has another one",
      remedy: expect.stringContaining("`ssh-keyscan -p 2222 10.0.0.1`"),
    });
  });
});
