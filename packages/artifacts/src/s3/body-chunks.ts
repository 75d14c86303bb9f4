import type { IncomingMessage } from "node:http";

/**
 * The body of an answer, chunk by chunk as they came. The stream's own iterator would do, but of chunks that wait it makes one, by
 * copying them. Ending the iteration early ends the connection.
 */
export async function* bodyChunks(answer: IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
  const held: Uint8Array[] = [];
  let end: { error?: unknown } | undefined;
  let arrived: () => void = () => {};
  const finish = (how: { error?: unknown }): void => {
    end ??= how;
    arrived();
  };
  const closed = (): void => {
    if (!end) finish({ error: closedEarly() }); // an Error, with its stack, is dear
  };
  answer.on("data", (chunk: Uint8Array) => {
    held.push(chunk);
    answer.pause(); // the next one is asked for when this one has been taken
    arrived();
  });
  answer.once("end", () => finish({}));
  answer.on("error", (error) => finish({ error }));
  answer.once("close", closed);
  if (answer.destroyed) finish({ error: answer.errored ?? closedEarly() }); // before anybody listened
  try {
    for (;;) {
      const chunk = held.shift();
      if (chunk) yield chunk;
      else if (end) break;
      else {
        const next = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        answer.resume();
        await next;
      }
    }
    if ("error" in end) throw end.error;
  } finally {
    answer.destroy();
  }
}

/** As Node.js says it. */
function closedEarly(): Error {
  return Object.assign(new Error("Premature close"), { code: "ERR_STREAM_PREMATURE_CLOSE" });
}
