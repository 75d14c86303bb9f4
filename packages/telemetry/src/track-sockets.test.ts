import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { startSilentServer } from "./otlp-receiver.fixture.ts";
import { trackSockets } from "./track-sockets.ts";

describe("trackSockets", () => {
  it("cuts connections that are open, and those of the same work that are opened when the time is up already", async () => {
    await using silent = await startSilentServer();
    const { hostname, port } = new URL(silent.url);
    const tracker = trackSockets();
    const { promise: isOver, resolve: tellOver } = Promise.withResolvers<void>();
    const early = tracker.run(() => connect(Number(port), hostname));
    const late = tracker.run(async () => {
      await isOver;
      return { socket: connect(Number(port), hostname) };
    });
    const others = connect(Number(port), hostname);
    await Promise.all([once(early, "connect"), once(others, "connect")]);
    tracker.destroy();
    tellOver();
    const { socket } = await late;
    await Promise.all([once(early, "close"), once(socket, "close")]);
    expect(early.destroyed && socket.destroyed).toBe(true);
    expect(others.destroyed).toBe(false);
    others.destroy();
  });
});
