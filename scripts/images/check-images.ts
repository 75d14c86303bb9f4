import { join } from "node:path";
import { checkTransfers } from "./check-transfers.ts";
import type { Engine, RunOptions } from "./engine.ts";

/** root, the user of the -nonroot tags, and one that no file knows. */
const USERS = [0, 8737, 12_345];
const IMAGES = ["argoexec", "init", "wait"] as const;
const NODE = "/opt/skein/bin/node";
/** Where the program that looks at the image is put over something that the image has. */
const INSIDE = "/mainctrfs/inside.ts";

/**
 * Runs what an image has to be able to do, as several users.
 *
 * @throws Error that says what an image cannot do
 */
export async function checkImages(engine: Engine, tag: string, say: (line: string) => void): Promise<void> {
  const { run } = engine;
  if (!run) return say(`images: ${engine.name} runs no containers, so the images are not tried`);
  const expectSuccess = async (name: string, options: RunOptions): Promise<string> => {
    const image = `localhost/skein/${name}`;
    const end = await run(image, options);
    if (end.exitCode === 0) return end.output;
    throw new Error(`${image} as user ${options.user}: exit code ${end.exitCode}:\n${end.output.trim()}`);
  };
  const mounts = { [INSIDE]: join(import.meta.dirname, "inside.ts") };
  for (const name of IMAGES) {
    for (const user of USERS) {
      await expectSuccess(`${name}:${tag}`, { argv: [NODE, INSIDE, name], user, mounts });
    }
    const uid = await expectSuccess(`${name}:${tag}-nonroot`, { argv: [NODE, "-p", "process.getuid()"] });
    if (uid.trim() !== "8737") throw new Error(`${name}:${tag}-nonroot runs as ${uid.trim()}, not 8737`);
  }
  await checkTransfers((options) => expectSuccess(`init:${tag}`, options), USERS);
  say(`images: looked at and tried as users ${USERS.join(", ")} on a read-only root: all is well`);
}
