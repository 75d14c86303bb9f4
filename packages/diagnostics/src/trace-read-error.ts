/** Thrown when a path cannot be read at all, or when no span was found under any of them. Names the path. */
export class TraceReadError extends Error {
  override readonly name = "TraceReadError";
}
