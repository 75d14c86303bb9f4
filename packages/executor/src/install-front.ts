import { ConfigError, type ExecutorConfig, type Paths } from "@skein/contract";
import { replaceFileByCopy } from "./replace-file.ts";

/**
 * Puts the front where the user's containers start it from (contract §6 step 4). An init that is run again replaces
 * the file as a whole, even while another container is running it [compat 33].
 */
export async function installFront(
  config: Pick<ExecutorConfig, "front">,
  paths: Pick<Paths, "front">,
): Promise<void> {
  if (config.front === undefined) {
    throw new ConfigError(
      "SKEIN_FRONT is not set: start this command through bin/argoexec of the same tree",
      {
        exitCode: 1,
      },
    );
  }
  await replaceFileByCopy(config.front, paths.front, 0o555);
}
