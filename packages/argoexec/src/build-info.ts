/** What `version` prints and the first log line says. */
export interface BuildInfo {
  version: string;
  buildDate: string;
  gitCommit: string;
  gitTag: string;
  gitTreeState: string;
}

/** JSON, set by the bundler (`define`); absent when the source is run as it is. */
declare const SKEIN_BUILD: string | undefined;

const FROM_SOURCE: BuildInfo = {
  version: "0.0.0-source",
  buildDate: "1970-01-01T00:00:00Z",
  gitCommit: "",
  gitTag: "",
  gitTreeState: "",
};

export const buildInfo: BuildInfo =
  typeof SKEIN_BUILD === "undefined" ? FROM_SOURCE : (JSON.parse(SKEIN_BUILD) as BuildInfo);
