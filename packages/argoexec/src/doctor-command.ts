import { runDoctor, Stopped } from "@skein/doctor";
import { buildInfo } from "./build-info.ts";
import type { Ending } from "./ending.ts";
import type { Host } from "./host.ts";
import { trustSystemCertificates } from "./system-certificates.ts";

/** `argoexec doctor`: the checks of `skein doctor`, where executors run. */
export async function doctorCommand(host: Host, args: readonly string[]): Promise<Ending> {
  const stop = new AbortController();
  host.onTermination((signal) => stop.abort(new Stopped(signal)));
  trustSystemCertificates(host);
  const { env, paths, umask, terminal } = host;
  const exitCode = await runDoctor(args, {
    stdout: (text) => host.stdout(text),
    stderr: (text) => host.stderr(text),
    ...{ env, paths, umask, text: terminal },
    version: buildInfo.version,
    command: "argoexec doctor",
    signal: stop.signal,
  });
  // What it found is on stdout; there is nothing left for a termination message.
  return { exitCode };
}
