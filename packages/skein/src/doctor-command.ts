import { createPaths } from "@skein/contract";
import { runDoctor, Stopped } from "@skein/doctor";
import { type Host, textOptions } from "./host.ts";

/** `skein doctor`: from a kubeconfig, or wherever this program is. */
export async function doctorCommand(args: readonly string[], host: Host): Promise<number> {
  const stop = new AbortController();
  host.onSignal((signal) => {
    if (stop.signal.aborted) {
      host.stderr.write("skein: left at once; an object skein-doctor-… may have stayed in the bucket\n");
      host.exit(130);
    }
    host.stderr.write("skein: stopping, and removing the probe object; once more to leave at once\n");
    stop.abort(new Stopped(signal));
  });
  const exitCode = await runDoctor(args, {
    stdout: (text) => void host.stdout.write(text),
    stderr: (text) => void host.stderr.write(text),
    text: textOptions(host.stdout, host.environment),
    env: host.environment,
    paths: createPaths(),
    version: host.version,
    umask: process.umask(),
    command: "skein doctor",
    signal: stop.signal,
  });
  // A server that does not answer would keep its socket, and this process, for as long as it likes.
  return host.exit(exitCode);
}
