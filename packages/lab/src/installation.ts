import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { LabSetupError } from "./errors.ts";
import { findProgram } from "./sandbox/tools.ts";

/** What the lab starts that is not part of it. */
export interface Installation {
  /** The tree an executor image carries below `/`. */
  executorDirectory: string;
  /** The S3 server; not needed where one is given. */
  s3Program: string | undefined;
}

/**
 * Finds the executor that `make build` has made and the S3 server that `make setup` has, in the checkout that
 * this program belongs to.
 *
 * @param from a directory inside the checkout
 * @param executorDirectory another executor than the checkout's own
 * @throws LabSetupError when the executor has not been built
 */
export function findInstallation(
  from: string,
  path: string | undefined,
  executorDirectory?: string,
): Installation {
  const checkout = ancestors(from).find((directory) =>
    existsSync(join(directory, "packages/lab/package.json")),
  );
  const executor = executorDirectory ?? join(checkout ?? from, "dist/argoexec");
  for (const part of ["bin/argoexec", "opt/skein"]) {
    if (existsSync(join(executor, part))) continue;
    throw new LabSetupError(`there is no executor at ${executor} (${part} is missing); run make build`);
  }
  const own = join(checkout ?? from, ".tools/bin/versitygw");
  return { executorDirectory: executor, s3Program: existsSync(own) ? own : findProgram("versitygw", path) };
}

function ancestors(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...ancestors(parent)];
}
