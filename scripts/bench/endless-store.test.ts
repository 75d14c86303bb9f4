import { get } from "node:http";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { sizeOf, slice, startEndlessStore } from "./endless-store.ts";

const object = [
  { bytes: Buffer.from("head"), times: 1 },
  { bytes: Buffer.from("abc"), times: 4 },
  { bytes: Buffer.from("!"), times: 2 },
];
const whole = "headabcabcabcabc!!";

describe("slice", () => {
  it("gives the bytes between any two positions, as if the object existed", () => {
    expect(sizeOf(object)).toBe(whole.length);
    for (let start = 0; start <= whole.length; start++) {
      for (let end = start; end <= whole.length; end++) {
        expect(Buffer.concat([...slice(object, start, end)]).toString()).toBe(whole.slice(start, end));
      }
    }
  });
});

describe("startEndlessStore", () => {
  it("answers a range that leads beyond the end with what there is, and says how long the object is", async () => {
    await using store = await startEndlessStore({ "/bench/thing": object });
    const answer = await fetchRange(store.endpoint, "/bench/thing", "bytes=7-99");
    expect(answer).toEqual({ status: 206, range: "bytes 7-17/18", text: whole.slice(7) });
  });

  it("counts what is written to it", async () => {
    await using store = await startEndlessStore({});
    const url = `http://${store.endpoint}/bench/out?partNumber=1&uploadId=1`;
    const answer = await fetch(url, { method: "PUT", body: "twelve bytes" });
    expect(answer.status).toBe(200);
    expect(store.receivedBytes()).toBe(12);
  });
});

async function fetchRange(endpoint: string, path: string, range: string) {
  const answer = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    get(`http://${endpoint}${path}`, { headers: { range }, agent: false }, resolve).on("error", reject);
  });
  return {
    status: answer.statusCode,
    range: answer.headers["content-range"],
    text: (await buffer(answer)).toString(),
  };
}
