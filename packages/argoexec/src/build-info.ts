/** What `version` prints and the first log line says. */
export interface BuildInfo {
  version: string;
  buildDate: string;
  gitCommit: string;
  gitTag: string;
  gitTreeState: string;
}

/** Set by the bundler (`define`); absent when the source is run as it is. */
declare const SKEIN_BUILD: BuildInfo | undefined;

const FROM_SOURCE: BuildInfo = {
  version: "0.0.0-source",
  buildDate: "1970-01-01T00:00:00Z",
  gitCommit: "",
  gitTag: "",
  gitTreeState: "",
};

export const buildInfo: BuildInfo = typeof SKEIN_BUILD === "undefined" ? FROM_SOURCE : SKEIN_BUILD;
