/** What the page is given, as JSON in the document. Keys are short where there is one per span. */

export type PageValue = string | number | boolean | null;
/** Pairs instead of objects: keys come from strangers. */
export type PageAttributes = readonly (readonly [key: string, value: PageValue])[];

export interface PageEvent {
  readonly name: string;
  /** Seconds after the trace's start. */
  readonly at: number;
  readonly attributes: PageAttributes;
}

/** A line of the waterfall: a span, or the heading of a pod (which carries the node's span, if there is one). */
export interface PageRow {
  /** Depth; headings have 0. */
  readonly k: number;
  /** Name of the span, or of the node. */
  readonly n: string;
  /** What tells it apart from its namesakes. */
  readonly t?: string;
  /** Category: its colour. Absent on headings. */
  readonly c?: string;
  /** Start and duration in seconds after the trace's start. */
  readonly s: number;
  readonly d: number;
  /** 1: failed; 2: failed, and nothing below it did: the cause. */
  readonly e?: 1 | 2;
  /** 1: has no end. */
  readonly u?: 1;
  /** What its clock said, where that cannot be. */
  readonly w?: string;
  /** Status message. */
  readonly m?: string;
  /** Argo's phase; only on headings. */
  readonly phase?: string;
  /** Start and duration of the time the pod was pending; only on headings. */
  readonly pending?: readonly [start: number, duration: number];
  /** Span id; absent on a heading without a span of its own. */
  readonly id?: string;
  /** Parent's span id. */
  readonly p?: string;
  /** Index into `resources`. */
  readonly r?: number;
  readonly kind?: string;
  readonly scope?: string;
  readonly a?: PageAttributes;
  readonly v?: readonly PageEvent[];
}

export interface PageTrace {
  readonly traceId: string;
  readonly workflow: string;
  readonly phase: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly spans: number;
  readonly pods: number;
  readonly rows: readonly PageRow[];
}

export interface PageTransfer {
  readonly name: string;
  readonly node: string;
  readonly direction: string;
  readonly driver: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: number;
  readonly seconds: number;
  /** The longest first. */
  readonly stages: readonly (readonly [stage: string, seconds: number])[];
  readonly boundBy: string;
  readonly verdict: string;
  readonly failed: boolean;
  readonly traceId: string;
  readonly spanId: string;
}

export interface PageComparison {
  readonly object: string;
  readonly names: readonly string[];
  readonly answer: string;
  readonly loadPerSave?: number;
  readonly transfers: readonly PageTransfer[];
}

export interface PageStep {
  readonly label: string;
  readonly phase: string;
  readonly seconds: number;
  /** pending, init, main, after main */
  readonly parts: readonly (readonly [part: string, seconds: number])[];
  readonly traceId: string;
}

export interface PageFailure {
  readonly label: string;
  readonly path: readonly string[];
  readonly type: string;
  readonly message: string;
  readonly remedy?: string;
  readonly traceId: string;
  readonly spanId: string;
}

export interface PageClock {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly detail: string;
  readonly problem: string;
}

export interface PageData {
  readonly traces: readonly PageTrace[];
  readonly resources: readonly PageAttributes[];
  readonly comparisons: readonly PageComparison[];
  readonly steps: readonly PageStep[];
  readonly failures: readonly PageFailure[];
  readonly clocks: readonly PageClock[];
}
