import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

/**
 * A disk of a certain speed, for this process. There is no other that a test can have without a kernel's help: so every
 * way Node has of writing waits first for as long as such a disk would take. To be imported before what writes.
 */
export function setDiskSpeed(bytesPerSecond: number | undefined): void {
  speed = bytesPerSecond;
}

let speed: number | undefined;
/** When the disk has done with what it was given; one write after the other. */
let freeAtMs = 0;

function reserve(bytes: number): number {
  if (speed === undefined) return 0;
  const nowMs = performance.now();
  freeAtMs = Math.max(freeAtMs, nowMs) + (1000 * bytes) / speed;
  return freeAtMs - nowMs;
}

type Write = (
  fd: number,
  bytes: Uint8Array,
  offset?: number,
  length?: number,
  position?: number | null,
) => unknown;

type Writev = (fd: number, pieces: readonly Uint8Array[], position?: number | null) => unknown;

const writevAsync = promisify(fs.writev) as (...args: Parameters<Writev>) => Promise<unknown>;
const writeAsync = promisify(fs.write) as (...args: Parameters<Write>) => Promise<unknown>;
const { writeSync } = fs;
const handle = await fs.promises.open("/dev/null", "w");
const prototype = Object.getPrototypeOf(handle) as {
  write: (bytes: Uint8Array, ...rest: unknown[]) => unknown;
  writev: (pieces: readonly Uint8Array[], ...rest: unknown[]) => unknown;
};
await handle.close();
const { write: handleWrite, writev: handleWritev } = prototype;

prototype.write = async function write(bytes, ...rest): Promise<unknown> {
  const length = typeof rest[1] === "number" ? rest[1] : bytes.byteLength - Number(rest[0] ?? 0);
  if (speed !== undefined) await delay(reserve(length));
  return handleWrite.call(this, bytes, ...rest);
};

prototype.writev = async function writev(pieces, ...rest): Promise<unknown> {
  const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (speed !== undefined) await delay(reserve(length));
  return handleWritev.call(this, pieces, ...rest);
};

const slowWrite = async (...args: Parameters<Write>): Promise<unknown> => {
  if (speed !== undefined) await delay(reserve(args[3] ?? args[1].byteLength));
  return writeAsync(...args);
};
const slowWritev = async (...args: Parameters<Writev>): Promise<unknown> => {
  if (speed !== undefined) await delay(reserve(args[1].reduce((sum, { byteLength }) => sum + byteLength, 0)));
  return writevAsync(...args);
};
const onlyPromisified = (): never => {
  throw new Error("only the promisified forms of fs.write and fs.writev are slow here");
};
fs.write = Object.assign(onlyPromisified as unknown as typeof fs.write, { [promisify.custom]: slowWrite });
fs.writev = Object.assign(onlyPromisified.bind(null) as unknown as typeof fs.writev, {
  [promisify.custom]: slowWritev,
});

fs.writeSync = ((...args: Parameters<Write>): unknown => {
  const waitMs = typeof args[1] === "string" ? 0 : reserve(args[1].byteLength);
  if (waitMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
  return (writeSync as Write)(...args);
}) as typeof fs.writeSync;
syncBuiltinESMExports();
