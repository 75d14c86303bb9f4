import type { Fault, SeenRequest } from "../support/fault-proxy.ts";
import type { Operation } from "./operations.ts";

/** Where in the middle's bytes it happens. */
const AFTER_BYTES = 300_000;

export type Outcome =
  /** All arrives. */
  | {
      type: "recovers";
      /** Codes of the retries; undefined when there is to be none. */
      because?: RegExp;
      /**
       * Where a range is taken up again: exactly after the bytes that came, somewhere after its first byte, or, because
       * nothing of what came can be trusted, everything from the beginning.
       */
      resumes?: "exactly" | "later" | "anew";
    }
  /** A classified error with bucket, key, region, credentials' source and a remedy; nothing that looks whole stays. */
  | { type: "fails"; code: string; remedy: RegExp };

/** What goes wrong, and what is to come of it. */
export interface FaultCase {
  name: string;
  /** The fault for a request: decided from what it is and how many such faults there were. */
  fault: (operation: Operation) => (request: SeenRequest, before: number) => Fault | "go away" | undefined;
  outcome: (operation: Operation) => Outcome;
  /** Why there is no such case for an operation. */
  not?: (operation: Operation) => string | undefined;
  /** The location names no region. */
  withoutRegion?: boolean;
  /** How long connections are refused. */
  awayMs?: number;
  /** A connection that delivers nothing for this long is left. Default 2000. */
  stallTimeoutMs?: number;
  /** Retries as an executor has them that nobody has configured. Default: quick ones. */
  defaultRetries?: boolean;
}

const isLoad = ({ direction }: Operation): boolean => direction === "load";
/** A last range that is slow for a second is asked for by another connection, too, which then brings it without a retry. */
const BEFORE_ANY_HEDGE_MS = 800;
const never = (): Promise<void> => new Promise(() => {});

/** One fault, on the request in the middle. */
const once =
  (load: Fault | "go away", save: Fault | "go away" = load): FaultCase["fault"] =>
  (operation) =>
  (request, before) =>
    before === 0 && operation.isMiddle(request) ? (isLoad(operation) ? load : save) : undefined;

/** Every request that carries bytes is refused, from the one in the middle on. */
const always =
  (load: Fault, save: Fault = load): FaultCase["fault"] =>
  (operation) =>
  (request) =>
    operation.isMiddle(request) ? (isLoad(operation) ? load : save) : undefined;

/** The first requests of all, whatever they are for. */
const burst =
  (fault: Fault): FaultCase["fault"] =>
  () =>
  (_request, before) =>
    before < 4 ? fault : undefined;

const answer = (status: number, code: string, headers?: Record<string, string>): Fault => ({
  type: "answer",
  status,
  code,
  message: code,
  ...(headers && { headers }),
});

const recovers =
  (because: RegExp, resumes?: "exactly" | "later" | "anew"): FaultCase["outcome"] =>
  (operation) => ({ type: "recovers", because, ...(resumes && isLoad(operation) && { resumes }) });

export const FAULTS: readonly FaultCase[] = [
  {
    name: "a reset in mid-body",
    fault: once({ type: "reset", afterBytes: AFTER_BYTES }, { type: "refuse", afterBytes: 50_000 }),
    outcome: recovers(/^transfer\.interrupted$/, "later"),
  },
  {
    name: "a stall",
    fault: once(
      { type: "stall", afterBytes: AFTER_BYTES },
      { type: "hold", afterBytes: 50_000, until: never },
    ),
    // Of a small body the socket takes all at once: there it is the answer that does not come.
    outcome: recovers(/^(transfer\.stalled|network\.unreachable)$/, "exactly"),
    stallTimeoutMs: BEFORE_ANY_HEDGE_MS,
  },
  {
    name: "one byte a second",
    fault: once({ type: "trickle", bytesPerSecond: 1 }, { type: "sip", bytesPerSecond: 1 }),
    outcome: recovers(/^(transfer\.stalled|network\.unreachable)$/),
    stallTimeoutMs: BEFORE_ANY_HEDGE_MS,
  },
  {
    name: "a short body with the right length header",
    fault: once({ type: "short", afterBytes: AFTER_BYTES }),
    outcome: recovers(/^transfer\.interrupted$/, "exactly"),
    not: (operation) => (isLoad(operation) ? undefined : "answers to a save have no body to speak of"),
  },
  {
    name: "an answer that is lost",
    fault: once({ type: "lost" }),
    outcome: recovers(/^transfer\.interrupted$/),
  },
  {
    name: "a lost answer to the request that makes an object of its parts",
    fault: () => (request, before) =>
      before === 0 && request.method === "POST" && request.url.includes("uploadId=")
        ? { type: "lost" }
        : undefined,
    outcome: recovers(/^transfer\.interrupted$/),
    not: ({ name }) => (/parts|save of a directory/.test(name) ? undefined : "has no parts"),
  },
  {
    name: "an error in the answer that had begun as a success, to the request that makes an object of its parts",
    fault: () => (request, before) =>
      before === 0 && request.method === "POST" && request.url.includes("uploadId=")
        ? answer(200, "InternalError")
        : undefined,
    outcome: recovers(/^s3\.server_error$/),
    not: ({ name }) => (/parts|save of a directory/.test(name) ? undefined : "has no parts"),
  },
  {
    name: "a burst of 503 ServiceUnavailable",
    fault: burst(answer(503, "ServiceUnavailable")),
    outcome: recovers(/^s3\.server_error$/),
  },
  {
    name: "a burst of 503 SlowDown",
    fault: burst(answer(503, "SlowDown")),
    outcome: recovers(/^s3\.slow_down$/),
  },
  {
    name: "a wrong ETag on one part",
    fault: (operation) => (request, before) =>
      operation.isMiddle(request) && (before === 0 || !isLoad(operation))
        ? { type: "headers", headers: { etag: '"00000000000000000000000000000000"' } }
        : undefined,
    // The second half of one object and the first of another are no object: this is no fault to work around.
    outcome: (operation) =>
      isLoad(operation)
        ? { type: "recovers", because: /^s3\.changed_while_reading$/, resumes: "anew" }
        : { type: "fails", code: "s3.bad_request", remedy: /./ },
    not: ({ name }) => (name === "save of a small file" ? "has no parts" : undefined),
  },
  {
    name: "a first byte after 2 s",
    fault: once({ type: "delay", ms: 2000 }),
    outcome: () => ({ type: "recovers" }),
    stallTimeoutMs: 20_000,
  },
  {
    name: "connections refused for a second",
    fault: once("go away"),
    outcome: recovers(/^(network\.unreachable|transfer\.interrupted)$/),
    awayMs: 1000,
  },
  {
    name: "connections refused for 20 s, as by a store that is restarted",
    fault: once("go away"),
    outcome: recovers(/^network\.unreachable$/),
    awayMs: 20_000,
    stallTimeoutMs: 10_000,
    defaultRetries: true,
    not: ({ name }) => (name === "load of a file" ? undefined : "the one second above shows the same"),
  },
  {
    name: "a 403",
    fault: always(answer(403, "AccessDenied")),
    outcome: (operation) => ({
      type: "fails",
      code: "s3.access_denied",
      remedy: isLoad(operation)
        ? /^allow s3:GetObject on s3:\/\/.* to static keys of secret "s3"/
        : /^allow s3:PutObject on s3:\/\/.* to static keys of secret "s3"/,
    }),
  },
  {
    name: "a 404 for what was there a moment ago",
    fault: always(answer(404, "NoSuchKey"), answer(404, "NoSuchBucket")),
    outcome: (operation) =>
      isLoad(operation)
        ? { type: "fails", code: "s3.no_such_key", remedy: /check the key/ }
        : {
            type: "fails",
            code: "s3.no_such_bucket",
            remedy: /create the bucket .*createBucketIfNotPresent/,
          },
  },
  {
    name: "a 404 in the words of a proxy",
    fault: always({ type: "answer", status: 404 }),
    outcome: () => ({ type: "fails", code: "s3.bad_request", remedy: /check the endpoint http:/ }),
  },
  {
    name: "a 301 to the bucket's region",
    fault: () => (request) =>
      /\/us-east-1\/s3\//.test(String(request.headers.authorization))
        ? answer(301, "PermanentRedirect", { "x-amz-bucket-region": "eu-west-1" })
        : undefined,
    // Followed at once, so it is no retry.
    outcome: () => ({ type: "recovers" }),
    stallTimeoutMs: 20_000,
    withoutRegion: true,
  },
  {
    name: "a 301 that does not say where to",
    fault: always(answer(301, "PermanentRedirect")),
    outcome: () => ({ type: "fails", code: "s3.wrong_region", remedy: /^set region/ }),
  },
  {
    name: "two parties that send each other the requests",
    fault: (operation) => (request) =>
      operation.isMiddle(request)
        ? answer(301, "PermanentRedirect", {
            "x-amz-bucket-region": /\/eu-west-1\/s3\//.test(String(request.headers.authorization))
              ? "eu-west-2"
              : "eu-west-1",
          })
        : undefined,
    outcome: () => ({ type: "fails", code: "s3.wrong_region", remedy: /^set region/ }),
  },
];
