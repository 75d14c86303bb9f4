import { ArtifactError, errorMessage } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";
import type { Attributes } from "./tracing.ts";

/**
 * The value of `error.type`: the code of our taxonomy, else a code the error brings (`ENOENT`), else its class.
 * Always of few different values, never a message.
 */
export function errorType(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (typeof code === "string" && code !== "") return code;
  return error instanceof Error ? error.name : "_OTHER";
}

/** What a failed span says about its failure, besides its status. */
export function errorAttributes(error: unknown): Attributes {
  return {
    [ATTR.errorType]: errorType(error),
    [ATTR.errorRemedy]: error instanceof ArtifactError ? error.remedy : undefined,
  };
}

/** The attributes of the `exception` event. */
export function exceptionAttributes(error: unknown): Attributes {
  return {
    [ATTR.exceptionType]: error instanceof Error ? error.name : typeof error,
    [ATTR.exceptionMessage]: errorMessage(error),
    [ATTR.exceptionStacktrace]: error instanceof Error ? error.stack : undefined,
  };
}
