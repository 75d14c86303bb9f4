import type { AttributeDefinition } from "./attribute-definition.ts";

const LOAD = "`loadArtifact`";
const PHASE = "event `git phase`";
const BOTH = "events `git phase`, `git fallback`";

/** What spans and events say about git repositories, by the name code uses. */
export const GIT_ATTRIBUTES = {
  vcsRepositoryUrl: {
    key: "vcs.repository.url.full",
    type: "string",
    on: LOAD,
    source: "vcs",
    brief: "The git repository, without credentials.",
  },
  vcsHeadRevision: {
    key: "vcs.ref.head.revision",
    type: "string",
    on: LOAD,
    source: "vcs",
    brief: "The commit that was checked out.",
  },
  vcsHeadName: {
    key: "vcs.ref.head.name",
    type: "string",
    on: LOAD,
    source: "vcs",
    brief: "The branch or tag that was asked for.",
  },
  vcsRepositoryName: {
    key: "vcs.repository.name",
    type: "string",
    on: LOAD,
    source: "vcs",
    brief: "The repository's name: the last part of its address.",
  },
  vcsHeadType: {
    key: "vcs.ref.head.type",
    type: "string",
    on: LOAD,
    source: "vcs",
    brief: "`branch` or `tag`; absent when a commit was asked for.",
  },
  gitSubmodules: {
    key: "argo.git.submodules",
    type: "int",
    on: LOAD,
    brief: "Submodules that were fetched, those of submodules included. Absent when there are none.",
  },
  gitPhase: {
    key: "argo.git.phase",
    type: "string",
    on: PHASE,
    brief:
      "`connect`: asking the server what there is; `negotiate`: agreeing on what is missing, until its first object comes; `receive`; `index`: resolving deltas; `checkout`: writing files; `filter`: fetching large files (LFS); `submodule`: all of one submodule.",
  },
  gitDuration: { key: "argo.git.duration", type: "double", on: PHASE, brief: "Seconds the phase took." },
  gitObjects: {
    key: "argo.git.objects",
    type: "int",
    on: PHASE,
    brief: "Objects that were received or resolved, files that were written or fetched.",
  },
  gitBytes: { key: "argo.git.bytes", type: "int", on: PHASE, brief: "Bytes that were received." },
  gitSubmodule: {
    key: "argo.git.submodule",
    type: "string",
    on: BOTH,
    brief: "The submodule's path. Absent for the repository itself.",
  },
  gitMirror: {
    key: "argo.git.mirror",
    type: "string",
    on: `${LOAD}; ${BOTH}`,
    brief: "The directory of the machine's own copy, from which objects were taken instead of the server.",
  },
  gitReason: {
    key: "argo.git.reason",
    type: "string",
    on: "event `git fallback`",
    brief: "Why the short way was not possible.",
  },
} as const satisfies Record<string, AttributeDefinition>;
