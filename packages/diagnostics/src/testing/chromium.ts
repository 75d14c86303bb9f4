import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-pipe",
];

/** The path of a Chromium on this machine, if there is one. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

type Params = Record<string, unknown>;
type Message = {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Params;
  result?: Params;
  error?: Params;
};

/** A headless Chromium, driven over a pipe by its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/ */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<
    number,
    { resolve: (result: Params) => void; reject: (error: Error) => void }
  >();
  readonly #listeners = new Set<(message: Message) => void>();
  #lastId = 0;

  private constructor(child: ChildProcess, profile: string) {
    this.#process = child;
    this.#profile = profile;
    const output = child.stdio[4] as Readable;
    let rest = "";
    output.setEncoding("utf8").on("data", (chunk: string) => {
      const messages = (rest + chunk).split("\0");
      rest = messages.pop() ?? "";
      for (const text of messages) this.#receive(JSON.parse(text));
    });
    child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("chromium has ended"));
      this.#waiting.clear();
    });
  }

  static async start(executable: string): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), "skein-chromium-"));
    const flags = [...FLAGS, `--user-data-dir=${profile}`, "about:blank"];
    return new Chromium(
      spawn(executable, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] }),
      profile,
    );
  }

  send(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    this.#lastId += 1;
    const id = this.#lastId;
    const input = this.#process.stdio[3] as Writable;
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #receive(message: Message): void {
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (waiting && message.id !== undefined) {
      this.#waiting.delete(message.id);
      if (message.error) waiting.reject(new Error(JSON.stringify(message.error)));
      else waiting.resolve(message.result ?? {});
    } else {
      for (const listener of this.#listeners) listener(message);
    }
  }

  /** Opens a file as a page of its own, once everything in it has run. */
  async open(path: string, { width = 1400, height = 900, dark = false } = {}): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page((method, params) => this.send(method, params, sessionId as string));
    const loaded = new Promise<void>((resolve) => {
      this.#listeners.add((message) => {
        if (message.sessionId !== sessionId) return;
        page.observe(message.method ?? "", message.params ?? {});
        if (message.method === "Page.loadEventFired") resolve();
      });
    });
    for (const domain of ["Page", "Runtime", "Network", "Log", "Performance"])
      await page.send(`${domain}.enable`);
    await page.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await page.send("Emulation.setEmulatedMedia", { features });
    await page.send("Page.navigate", { url: pathToFileURL(path).href });
    await loaded;
    await page.settle();
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One page of a {@link Chromium}. */
export class Page {
  /** What went wrong: uncaught errors, and whatever the console calls an error, such as a refused script. */
  readonly errors: string[] = [];
  /** Every address the page asked for. */
  readonly requests: string[] = [];
  readonly send: (method: string, params?: Params) => Promise<Params>;

  constructor(send: (method: string, params?: Params) => Promise<Params>) {
    this.send = send;
  }

  observe(method: string, params: Params): void {
    if (method === "Network.requestWillBeSent") this.requests.push((params.request as { url: string }).url);
    if (method === "Runtime.exceptionThrown") this.errors.push(JSON.stringify(params.exceptionDetails));
    const entry = params.entry as { level: string; text: string } | undefined;
    if (method === "Log.entryAdded" && entry?.level === "error") this.errors.push(entry.text);
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
    return (answer.result as { value: T }).value;
  }

  /** Seconds the page has spent so far running scripts, computing styles and laying out. */
  async workSeconds(): Promise<number> {
    const { metrics } = (await this.send("Performance.getMetrics")) as {
      metrics: { name: string; value: number }[];
    };
    const parts = metrics.filter(({ name }) => /^(Script|RecalcStyle|Layout)Duration$/.test(name));
    return parts.reduce((sum, { value }) => sum + value, 0);
  }

  /** Waits until what was asked of the page has been drawn. */
  async settle(): Promise<void> {
    await this.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))",
    );
  }

  /** The middle of the first element with this selector whose text contains `text`. */
  async middleOf(selector: string, text = ""): Promise<{ x: number; y: number }> {
    const find = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((element) => !element.hidden && element.textContent.includes(${JSON.stringify(text)}))`;
    const box = await this.evaluate<{ x: number; y: number } | null>(
      `(() => { const element = ${find}; if (!element) return null; const box = element.getBoundingClientRect(); return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; })()`,
    );
    if (!box) throw new Error(`nothing like ${selector} with ${JSON.stringify(text)}`);
    return box;
  }

  async click(selector: string, text?: string): Promise<void> {
    const at = await this.middleOf(selector, text);
    await this.drag(at, at);
  }

  async drag(from: { x: number; y: number }, to: { x: number; y: number }): Promise<void> {
    await this.#mouse("mousePressed", from, { button: "left", clickCount: 1 });
    if (from !== to) await this.#mouse("mouseMoved", to, { button: "left", buttons: 1 });
    await this.#mouse("mouseReleased", to, { button: "left", clickCount: 1 });
    await this.settle();
  }

  /** @param control whether the Ctrl key is held */
  async wheel(at: { x: number; y: number }, deltaY: number, control = false): Promise<void> {
    await this.#mouse("mouseWheel", at, { deltaX: 0, deltaY, modifiers: control ? 2 : 0 });
    await this.settle();
  }

  async #mouse(type: string, { x, y }: { x: number; y: number }, more: Params): Promise<void> {
    await this.send("Input.dispatchMouseEvent", { type, x, y, ...more });
  }

  /** Presses one key, named as in `KeyboardEvent.key`. */
  async press(key: string): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
    await this.settle();
  }

  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
    await this.settle();
  }
}
