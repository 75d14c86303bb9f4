import { flag, ignored, integer, list, object, type Shape, text } from "./shape.ts";

export const secretSelector = object("a secret reference", { name: text, key: text, optional: ignored }, [
  "name",
  "key",
]);

const s3 = object("an s3 location", {
  endpoint: text,
  bucket: text,
  region: text,
  insecure: flag,
  key: text,
  accessKeySecret: secretSelector,
  secretKeySecret: secretSelector,
  sessionTokenSecret: secretSelector,
  caSecret: secretSelector,
  roleARN: text,
  useSDKCreds: flag,
  addressingStyle: text,
  createBucketIfNotPresent: object("createBucketIfNotPresent", { objectLocking: flag }),
  encryptionOptions: object("encryptionOptions", {
    enableEncryption: flag,
    kmsKeyId: text,
    kmsEncryptionContext: text,
    serverSideCustomerKeySecret: secretSelector,
  }),
});

const git = object(
  "a git location",
  {
    repo: text,
    revision: text,
    branch: text,
    depth: integer,
    fetch: list(text),
    singleBranch: flag,
    disableSubmodules: flag,
    insecureIgnoreHostKey: flag,
    insecureSkipTLS: flag,
    usernameSecret: secretSelector,
    passwordSecret: secretSelector,
    sshPrivateKeySecret: secretSelector,
  },
  ["repo"],
);

const header = object("a header", { name: text, value: text }, ["name"]);

const http = object(
  "an http location",
  {
    url: text,
    headers: list(header),
    saveStreamViaFile: flag,
    auth: object("auth", {
      basicAuth: object("basicAuth", { usernameSecret: secretSelector, passwordSecret: secretSelector }),
      clientCert: object("clientCert", { clientCertSecret: secretSelector, clientKeySecret: secretSelector }),
      oauth2: object("oauth2", {
        clientIDSecret: secretSelector,
        clientSecretSecret: secretSelector,
        tokenURLSecret: secretSelector,
        scopes: list(text),
        endpointParams: list(object("an endpoint parameter", { key: text, value: text }, ["key"])),
      }),
    }),
  },
  ["url"],
);

const raw = object("a raw location", { data: text });

export const locations = { s3, git, http, raw };

export const repositoryShape = object("an artifact repository", {
  archiveLogs: flag,
  s3: (value, path, report) => {
    const { keyFormat, ...rest } = Object(value) as Record<string, unknown>;
    const location = s3(rest, path, report) as Record<string, unknown> | undefined;
    const format = keyFormat === undefined ? undefined : text(keyFormat, [...path, "keyFormat"], report);
    return location && { ...location, ...(format === undefined ? {} : { keyFormat: format }) };
  },
});

const archive = object("archive", {
  none: object("archive.none", {}),
  zip: object("archive.zip", {}),
  tar: object("archive.tar", { compressionLevel: integer }),
});

const artifactFields: Record<string, Shape> = {
  name: text,
  path: text,
  mode: integer,
  recurseMode: flag,
  optional: flag,
  description: ignored,
  artifactGC: ignored,
  archive,
  ...locations,
};

export const inputArtifact = object("an input artifact", artifactFields, ["name"]);
export const outputArtifact = object("an output artifact", { ...artifactFields, from: text, subPath: text }, [
  "name",
]);
export const argumentArtifact = object(
  "an artifact argument",
  { ...artifactFields, from: text, subPath: text },
  ["name"],
);
