import type { ClientRequest, IncomingMessage } from "node:http";

/**
 * Ends a request when the signal says so. Not by the option `signal`, which destroys the request: when the answer has arrived
 * and has not been read, Node gives its socket back at the same time, and the error is thrown where nobody can catch it.
 */
export function endWithSignal(request: ClientRequest, signal: AbortSignal): void {
  let answer: IncomingMessage | undefined;
  const end = (): void => {
    const aborted = new DOMException("The operation was aborted", {
      name: "AbortError",
      cause: signal.reason,
    });
    if (answer === undefined) request.destroy(aborted);
    else if (!answer.readableEnded) answer.destroy(aborted);
  };
  request.once("response", (arrived: IncomingMessage) => {
    answer = arrived;
    answer.on("error", () => {}); // whoever reads it hears of it
  });
  request.once("close", () => signal.removeEventListener("abort", end));
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
}
