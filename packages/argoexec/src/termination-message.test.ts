import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { MAX_TERMINATION_MESSAGE_BYTES, writeTerminationMessage } from "./termination-message.ts";

async function write(...messages: string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "skein-termination-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "termination-log");
  for (const message of messages) {
    writeTerminationMessage(path, message, (text) => {
      throw new Error(text);
    });
  }
  return readFile(path, "utf8");
}

it("keeps the last message alone", async () => {
  expect(await write("a longer message", "short")).toBe("short");
});

it("keeps the beginning of a message that is too long, in whole characters", async () => {
  const kept = await write(`x${"€".repeat(MAX_TERMINATION_MESSAGE_BYTES)}`);
  expect(kept).toBe(`x${"€".repeat((MAX_TERMINATION_MESSAGE_BYTES - 1) / 3)}`);
});

it("complains where it cannot write, and goes on", () => {
  const complaints: string[] = [];
  writeTerminationMessage("/nowhere/termination-log", "text", (text) => complaints.push(text));
  expect(complaints).toEqual([expect.stringMatching(/^unable to write termination log: ENOENT.*\n$/)]);
});
