import { ArtifactError, type S3Location } from "@skein/contract";
import type { Check, Fix } from "./check.ts";
import type { Examination } from "./examination.ts";
import { explainError } from "./explain-error.ts";

/** What it means when a store that has greeted us does not answer a signed request. */
export const S3_STUCK: Fix = {
  say: "the store was reached and does not answer this request: look at its logs and load, and at proxies between; --timeout SECONDS gives it longer",
};

/** A check of the store whose failures say what to change in secrets, policies and the repository. */
export function s3Check(check: Omit<Check, "stuck"> & { stuck?: Fix }): Check {
  const whole: Check = { stuck: S3_STUCK, ...check };
  return {
    ...whole,
    async run(examination, at) {
      try {
        return await check.run(examination, at);
      } catch (error) {
        at.signal.throwIfAborted();
        const { location } = await examination.repository();
        const fix =
          error instanceof ArtifactError ? s3Fix(error, location?.s3 ?? {}, examination) : undefined;
        const finding = explainError(error, whole, examination);
        return finding.status === "fail" && fix ? { ...finding, fix } : finding;
      }
    },
  };
}

/** Whose keys sign, for people. */
export function describeCredentials(at: S3Location, source: string, env: Examination["env"]): string {
  if (source.startsWith("static keys") || at.roleARN) return source;
  if (env.AWS_ACCESS_KEY_ID) return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment";
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE) {
    return `the token ${env.AWS_WEB_IDENTITY_TOKEN_FILE}, for the role ${env.AWS_ROLE_ARN ?? "that is not named in AWS_ROLE_ARN"}`;
  }
  if (env.AWS_CONTAINER_CREDENTIALS_FULL_URI)
    return "the pod's identity (AWS_CONTAINER_CREDENTIALS_FULL_URI)";
  return "shared files, or the instance the pod runs on (metadata service)";
}

function s3Fix(error: ArtifactError, at: S3Location, examination: Examination): Fix | undefined {
  switch (error.code) {
    case "s3.no_such_bucket":
      return {
        say: "correct the bucket's name in the repository; or create it, or let executors create it (createBucketIfNotPresent: {})",
        copy: [`aws s3 mb s3://${at.bucket}${endpointOption(at)}`],
      };
    case "s3.invalid_credentials":
      if (isSkewed(error))
        return {
          say: "set this machine's clock (see the row clock): the store refuses what is signed 15 minutes off",
        };
      return credentialsFix(error, at, examination);
    case "s3.no_credentials":
      if (!examination.inPod)
        return {
          say: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) here, or name the secret with --access-key-secret NAME/KEY and --secret-key-secret NAME/KEY; pods take the repository's secrets, or their account's role",
        };
      return {
        say: `name a secret with keys in the repository's s3; or give the service account a role (IRSA, EKS Pod Identity)`,
        copy: [
          "accessKeySecret: {name: NAME, key: accesskey}",
          "secretKeySecret: {name: NAME, key: secretkey}",
        ],
      };
    case "s3.access_denied":
      return policyFix(error, at);
    default:
      return undefined;
  }
}

function credentialsFix(error: ArtifactError, at: S3Location, { namespace, env }: Examination): Fix {
  const isSecretKey = /SignatureDoesNotMatch/.test(error.message);
  const selector = isSecretKey ? at.secretKeySecret : at.accessKeySecret;
  const what = isSecretKey
    ? "the secret key does not belong to the access key"
    : "the store does not know the access key, or no longer";
  if (selector?.name && at.accessKeySecret && at.secretKeySecret) {
    const secret = selector.name;
    return {
      say: `${what}: put the right one into the secret ${secret}, key ${selector.key}`,
      copy: [
        `kubectl -n ${namespace} patch secret ${secret} -p '{"stringData":{"${selector.key}":"THE-RIGHT-ONE"}}'`,
      ],
    };
  }
  const source = describeCredentials(at, "", env);
  return { say: `${what}: correct ${source}` };
}

/** What the repository's user has to be allowed, in the words of a policy. */
function policyFix(error: ArtifactError, at: S3Location): Fix {
  const action = /allow (s3:\w+)/.exec(error.remedy ?? "")?.[1] ?? "s3:*";
  const resource = action === "s3:ListBucket" ? `arn:aws:s3:::${at.bucket}` : `arn:aws:s3:::${at.bucket}/*`;
  return {
    say: `allow ${action} to whoever these credentials belong to; in an IAM or bucket policy`,
    copy: [JSON.stringify({ Effect: "Allow", Action: [action], Resource: [resource] })],
  };
}

function isSkewed(error: ArtifactError): boolean {
  return /RequestTimeTooSkewed/.test(error.message);
}

/** For commands of the aws program. */
export function endpointOption({ endpoint = "", insecure }: S3Location): string {
  if (endpoint === "" || endpoint.endsWith("amazonaws.com")) return "";
  return ` --endpoint-url ${insecure ? "http" : "https"}://${endpoint}`;
}
