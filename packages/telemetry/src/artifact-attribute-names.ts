import type { AttributeDefinition } from "./attribute-definition.ts";

const ARTIFACT = "`loadArtifact`, `saveArtifact`";
const ARTIFACTS = "`loadArtifacts`, `saveArtifacts`";
const FILE = "events `download file`, `upload file`";

/** Where the wall time of a transfer goes; each moment belongs to exactly one stage. */
export const TRANSFER_STAGES = [
  "credentials",
  "list",
  "first_byte",
  "network",
  "decompress",
  "compress",
  "disk",
  "retry_wait",
  "other",
] as const;

export type TransferStage = (typeof TRANSFER_STAGES)[number];

/** The attribute that holds a stage's seconds. */
export function stageTimeKey<Stage extends TransferStage>(stage: Stage): `argo.artifact.time.${Stage}` {
  return `argo.artifact.time.${stage}`;
}

/** What spans and events say about artifacts and their files, by the name code uses. */
export const ARTIFACT_ATTRIBUTES = {
  artifactsCount: { key: "argo.artifacts.count", type: "int", on: ARTIFACTS, brief: "How many artifacts." },
  artifactsBytes: {
    key: "argo.artifacts.bytes",
    type: "int",
    on: ARTIFACTS,
    brief: "Bytes on the wire, of all artifacts.",
  },
  artifactsFiles: {
    key: "argo.artifacts.files",
    type: "int",
    on: ARTIFACTS,
    brief: "Files, of all artifacts.",
  },
  artifactDirection: {
    key: "argo.artifact.direction",
    type: "string",
    on: "metrics",
    brief: "`load` or `save`.",
  },
  artifactName: { key: "argo.artifact.name", type: "string", on: ARTIFACT, brief: "The artifact's name." },
  artifactDriver: {
    key: "argo.artifact.driver",
    type: "string",
    on: ARTIFACT,
    brief: "`s3`, `git`, `http`, `raw`, …",
  },
  artifactKey: {
    key: "argo.artifact.key",
    type: "string",
    on: ARTIFACT,
    brief: "The key in the store, relocated.",
  },
  artifactArchive: {
    key: "argo.artifact.archive",
    type: "string",
    on: ARTIFACT,
    brief: "`none`, `tar` or `zip`.",
  },
  artifactBytes: { key: "argo.artifact.bytes", type: "int", on: ARTIFACT, brief: "Bytes on the wire." },
  artifactUnpackedBytes: {
    key: "argo.artifact.unpacked_bytes",
    type: "int",
    on: ARTIFACT,
    brief: "Bytes of the files.",
  },
  artifactFiles: {
    key: "argo.artifact.files",
    type: "int",
    on: `${ARTIFACT}; event \`pack output\``,
    brief: "Files moved.",
  },
  artifactStreams: {
    key: "argo.artifact.streams",
    type: "int",
    on: ARTIFACT,
    brief: "The most requests that were in flight at once.",
  },
  artifactCores: {
    key: "argo.artifact.cores",
    type: "int",
    on: ARTIFACT,
    brief: "Cores the archive was compressed on; absent where nothing was compressed.",
  },
  artifactPacking: {
    key: "argo.artifact.packing.duration",
    type: "double",
    on: "`saveArtifact`",
    brief:
      "Seconds in which the wrapper in main had packed the output of its own file system, before this span began. Absent for what lies in a volume.",
  },
  artifactRetries: {
    key: "argo.artifact.retries",
    type: "int",
    on: ARTIFACT,
    brief: "Requests that were made again.",
  },
  artifactBoundBy: {
    key: "argo.artifact.bound_by",
    type: "string",
    on: ARTIFACT,
    brief:
      "What the transfer waited for most: `network`, `first-byte`, `decompress`, `compress`, `disk`, `small-files`, `throttled`, `stalled`, `retries` or `none`.",
  },
  artifactVerdict: {
    key: "argo.artifact.verdict",
    type: "string",
    on: ARTIFACT,
    brief: "One line for people: what bound the transfer, with the numbers.",
  },
  artifactDigest: {
    key: "argo.artifact.digest",
    type: "string",
    on: ARTIFACT,
    brief: "`sha256:…` of the bytes on the wire, when it was computed.",
  },
  artifactFilesUnlisted: {
    key: "argo.artifact.files.unlisted",
    type: "int",
    on: ARTIFACT,
    brief: "Files that have no event of their own, because of the event budget. Absent when all have one.",
  },
  artifactTimeCredentials: {
    key: "argo.artifact.time.credentials",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent getting credentials.",
  },
  artifactTimeList: {
    key: "argo.artifact.time.list",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent listing objects.",
  },
  artifactTimeFirstByte: {
    key: "argo.artifact.time.first_byte",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent waiting for the first byte of an answer.",
  },
  artifactTimeNetwork: {
    key: "argo.artifact.time.network",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent waiting for bytes to arrive or leave.",
  },
  artifactTimeDecompress: {
    key: "argo.artifact.time.decompress",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent decompressing.",
  },
  artifactTimeCompress: {
    key: "argo.artifact.time.compress",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent compressing.",
  },
  artifactTimeDisk: {
    key: "argo.artifact.time.disk",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent reading or writing files.",
  },
  artifactTimeRetryWait: {
    key: "argo.artifact.time.retry_wait",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds spent waiting before a request was made again.",
  },
  artifactTimeOther: {
    key: "argo.artifact.time.other",
    type: "double",
    on: ARTIFACT,
    brief: "Seconds in which no stage was busy. All stages sum to the span's wall time.",
  },
  s3Bucket: { key: "aws.s3.bucket", type: "string", on: ARTIFACT, source: "aws", brief: "The bucket." },
  s3Key: {
    key: "aws.s3.key",
    type: "string",
    on: ARTIFACT,
    source: "aws",
    brief: "The object's key, or the prefix.",
  },
  serverAddress: {
    key: "server.address",
    type: "string",
    on: ARTIFACT,
    source: "server",
    brief: "The host that was talked to.",
  },
  file: {
    key: "file",
    type: "string",
    on: "most events of artifacts",
    source: "argo",
    brief: "The artifact's name, or the file's path within the artifact.",
  },
  fileSize: { key: "file.size", type: "int", on: FILE, source: "file", brief: "The file's bytes." },
  fileDuration: {
    key: "argo.file.duration",
    type: "double",
    on: `${FILE}, \`pack output\``,
    brief: "Seconds this file took.",
  },
  fileOffset: {
    key: "argo.file.offset",
    type: "int",
    on: FILE,
    brief: "Unpacked bytes that had been moved before this file.",
  },
  retryDelay: {
    key: "argo.retry.delay",
    type: "double",
    on: "event `retry`",
    brief: "Seconds until the next attempt.",
  },
  retryAttempt: {
    key: "argo.retry.attempt",
    type: "int",
    on: "event `retry`",
    brief: "Which attempt failed, from 1.",
  },
} as const satisfies Record<string, AttributeDefinition>;
