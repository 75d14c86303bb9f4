import { Secret } from "@skein/contract";
import { PartMemory } from "../part-memory.ts";
import { Semaphore } from "../semaphore.ts";
import { Transfer } from "../transfer.ts";
import { createGitDriver } from "./git-driver.ts";
import { parseGitSettings } from "./git-settings.ts";

/** Loads a repository as a program of its own, to be killed: `node load.fixture.ts LOCATION TARGET`, with `SECRET` for every secret. */
const [location = "{}", target = ""] = process.argv.slice(2);
const secret = new Secret(process.env.SECRET ?? "");
const memory = new Semaphore(1);
const transfer = new Transfer({
  signal: new AbortController().signal,
  policy: { baseDelayMs: 1, factor: 1, maxDelayMs: 1, budgetMs: 0 },
  memory,
  parts: new PartMemory(memory),
  requests: new Semaphore(1),
});
const driver = createGitDriver(JSON.parse(location), {
  ...parseGitSettings(process.env.SSH_KNOWN_HOSTS, process.env),
  name: "source",
  secrets: async () => secret,
});
const content = await driver.open(transfer);
if (content.kind === "directory") await content.loadInto(target);
