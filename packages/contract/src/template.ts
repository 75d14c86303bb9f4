/**
 * The parts of Argo's v1alpha1 types that an executor reads. Field names are the API's own.
 * Source: executor contract §5; `pkg/apis/workflow/v1alpha1/workflow_types.go`.
 * Fields not named here are kept when a template is written again.
 */

export interface SecretKeySelector {
  name?: string;
  key: string;
  optional?: boolean;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  subPath?: string;
}

export interface ValueFrom {
  path?: string;
  jsonPath?: string;
  jqFilter?: string;
  default?: string;
  parameter?: string;
  expression?: string;
  event?: string;
  supplied?: Record<string, never>;
}

export interface Parameter {
  name: string;
  value?: string;
  default?: string;
  valueFrom?: ValueFrom;
  globalName?: string;
  enum?: string[];
  description?: string;
}

export interface S3Location {
  endpoint?: string;
  bucket?: string;
  region?: string;
  insecure?: boolean;
  accessKeySecret?: SecretKeySelector;
  secretKeySecret?: SecretKeySelector;
  sessionTokenSecret?: SecretKeySelector;
  roleARN?: string;
  useSDKCreds?: boolean;
  /** Its presence enables the creation of the bucket. */
  createBucketIfNotPresent?: { objectLocking?: boolean };
  encryptionOptions?: {
    enableEncryption?: boolean;
    kmsKeyId?: string;
    kmsEncryptionContext?: string;
    serverSideCustomerKeySecret?: SecretKeySelector;
  };
  caSecret?: SecretKeySelector;
  addressingStyle?: "" | "path" | "virtual-hosted";
  key?: string;
}

export interface GitLocation {
  repo: string;
  revision?: string;
  /** Commits of history; 0 or absent is all of it. */
  depth?: number;
  fetch?: string[];
  usernameSecret?: SecretKeySelector;
  passwordSecret?: SecretKeySelector;
  sshPrivateKeySecret?: SecretKeySelector;
  insecureIgnoreHostKey?: boolean;
  disableSubmodules?: boolean;
  singleBranch?: boolean;
  branch?: string;
  insecureSkipTLS?: boolean;
}

export interface HttpLocation {
  url: string;
  headers?: { name: string; value: string }[];
  saveStreamViaFile?: boolean;
  auth?: {
    basicAuth?: { usernameSecret?: SecretKeySelector; passwordSecret?: SecretKeySelector };
    clientCert?: { clientCertSecret?: SecretKeySelector; clientKeySecret?: SecretKeySelector };
    oauth2?: {
      clientIDSecret?: SecretKeySelector;
      clientSecretSecret?: SecretKeySelector;
      tokenURLSecret?: SecretKeySelector;
      scopes?: string[];
      endpointParams?: { key: string; value?: string }[];
    };
  };
}

export interface ArtifactoryLocation {
  url: string;
  usernameSecret?: SecretKeySelector;
  passwordSecret?: SecretKeySelector;
}

export interface GcsLocation {
  bucket?: string;
  key: string;
  serviceAccountKeySecret?: SecretKeySelector;
}

export interface AzureLocation {
  endpoint: string;
  container: string;
  blob: string;
  accountKeySecret?: SecretKeySelector;
  useSDKCreds?: boolean;
}

export interface OssLocation {
  endpoint?: string;
  bucket?: string;
  key: string;
  accessKeySecret?: SecretKeySelector;
  secretKeySecret?: SecretKeySelector;
  securityToken?: string;
  createBucketIfNotPresent?: boolean;
  useSDKCreds?: boolean;
  lifecycleRule?: { markInfrequentAccessAfterDays?: number; markDeletionAfterDays?: number };
}

export interface HdfsLocation {
  addresses?: string[];
  path: string;
  force?: boolean;
  hdfsUser?: string;
  dataTransferProtection?: string;
}

export interface RawLocation {
  data?: string;
}

export interface PluginLocation {
  name?: string;
  configuration?: string;
  connectionTimeoutSeconds?: number;
  key: string;
}

/** Where an artifact lives. At most one of the types is present; the order of choice is in artifact-location.ts. */
export interface ArtifactLocation {
  archiveLogs?: boolean;
  s3?: S3Location;
  git?: GitLocation;
  http?: HttpLocation;
  artifactory?: ArtifactoryLocation;
  hdfs?: HdfsLocation;
  raw?: RawLocation;
  oss?: OssLocation;
  gcs?: GcsLocation;
  azure?: AzureLocation;
  plugin?: PluginLocation;
}

export interface Archive {
  tar?: { compressionLevel?: number };
  none?: Record<string, never>;
  zip?: Record<string, never>;
}

export interface Artifact extends ArtifactLocation {
  name: string;
  path?: string;
  /** Permission bits, decimal in JSON; only the low nine count. */
  mode?: number;
  recurseMode?: boolean;
  optional?: boolean;
  archive?: Archive;
  from?: string;
  fromExpression?: string;
  subPath?: string;
  globalName?: string;
  artifactGC?: { strategy?: string; podMetadata?: unknown; serviceAccountName?: string };
  deleted?: boolean;
}

export interface ContainerFields {
  name?: string;
  image?: string;
  command?: string[];
  args?: string[];
  volumeMounts?: VolumeMount[];
}

export interface ScriptTemplate extends ContainerFields {
  source: string;
}

export interface ContainerSet {
  containers: (ContainerFields & { name: string; dependencies?: string[] })[];
  volumeMounts?: VolumeMount[];
  retryStrategy?: { retries: number | string; duration?: string };
}

export interface ResourceTemplate {
  action: string;
  mergeStrategy?: string;
  manifest?: string;
  manifestFrom?: { artifact: { name: string } };
  successCondition?: string;
  failureCondition?: string;
  flags?: string[];
}

export interface Template {
  name?: string;
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  inputs?: { parameters?: Parameter[]; artifacts?: Artifact[] };
  outputs?: { parameters?: Parameter[]; artifacts?: Artifact[]; result?: string; exitCode?: string };
  container?: ContainerFields;
  script?: ScriptTemplate;
  containerSet?: ContainerSet;
  resource?: ResourceTemplate;
  data?: unknown;
  http?: unknown;
  plugin?: unknown;
  steps?: unknown;
  dag?: unknown;
  suspend?: unknown;
  sidecars?: { name: string }[];
  /** The default repository, already resolved by the controller. */
  archiveLocation?: ArtifactLocation;
}
