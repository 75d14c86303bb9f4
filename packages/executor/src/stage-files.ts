import type { Paths, Template } from "@skein/contract";
import { replaceFile } from "./replace-file.ts";

/**
 * Writes what the template carries as text and the user's process reads as a file (contract §6 step 5): a script's
 * source, executable; a resource's manifest, unless an artifact brings it.
 */
export async function stageFiles(
  template: Template,
  paths: Pick<Paths, "script" | "manifest">,
): Promise<void> {
  if (template.script) {
    await replaceFile(paths.script, template.script.source ?? "", 0o755);
  } else if (template.resource && !template.resource.manifestFrom) {
    await replaceFile(paths.manifest, template.resource.manifest ?? "", 0o644);
  }
}
