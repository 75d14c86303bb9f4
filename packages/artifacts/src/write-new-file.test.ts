import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { StageClock } from "./stage-clock.ts";
import { temporaryDirectory } from "./test-support.ts";
import { writeScattered } from "./write-new-file.ts";

it("knows how long a file is whose last piece is written before the others (it forgot pieces written meanwhile)", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "file");
  const large = Buffer.alloc(16 * 1024 * 1024, "a");
  const last = Buffer.from("end");
  const expected = Buffer.concat([large, last]);
  const length = await writeScattered(
    path,
    async (write) => {
      await Promise.all([write([large], 0), write([last], large.length)]);
    },
    new StageClock(),
  );
  expect(length).toBe(expected.length);
  expect((await readFile(path)).equals(expected)).toBe(true);
});
