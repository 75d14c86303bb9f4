import { randomUUID } from "node:crypto";
import { API_VERSION, newTaskResult } from "@skein/contract";
import { KubernetesError, type RestClient } from "@skein/kubernetes";
import { type Check, type Finding, type Fix, fail, ok, skip } from "../check.ts";
import type { Examination } from "../examination.ts";

const GROUP = "argoproj.io";
const RESOURCE = "workflowtaskresults";
/** What an executor does with them (contract §14.4), and deploy/kustomize/base/role.yaml allows. */
const VERBS = ["create", "patch"] as const;

const STUCK: Fix = {
  say: "the API server does not answer this question: look at its load and its admission webhooks",
};

/** Whether executors may report. Without it every pod fails, whatever its command does. */
export const taskResultRights: Check = {
  id: "task-result-rights",
  title: "rights for task results",
  needs: ["api-server"],
  stuck: STUCK,
  async run(examination, { signal }) {
    const { cluster, namespace } = examination;
    if (!cluster) return skip("there is no API server to ask");
    const who = subjectOf(examination);
    try {
      const answers = await Promise.all(
        VERBS.map((verb) => review(cluster.client, examination, verb, signal)),
      );
      const missing = VERBS.filter((_, index) => !answers[index]);
      if (missing.length === 0) return ok(`${who} may ${VERBS.join(" and ")} ${RESOURCE} in ${namespace}`);
      return fail(
        `${who} may not ${missing.join(" or ")} ${RESOURCE} in ${namespace}`,
        "give the account that pods of workflows run with this right",
        grantCommands(examination),
      );
    } catch (error) {
      if (!(error instanceof KubernetesError) || error.status !== 403) throw error;
      return skip(`you may not ask for the rights of others: ${error.message}`);
    }
  },
};

/** The whole way of a report, but for its being kept: rights, the custom resource, admission. */
export const taskResultDryRun: Check = {
  id: "task-result-dry-run",
  title: "creating a task result (dry run)",
  needs: ["task-result-rights"],
  stuck: STUCK,
  async run({ cluster, namespace, inPod }, { signal }) {
    if (!cluster) return skip("there is no API server to ask");
    const identity = {
      nodeId: `skein-doctor-${randomUUID()}`,
      workflowName: "skein-doctor",
      workflowUid: randomUUID(),
    };
    const { metadata, ...result } = newTaskResult(identity);
    const { ownerReferences: _none, ...own } = metadata;
    const path = `/apis/${API_VERSION}/namespaces/${encodeURIComponent(namespace)}/${RESOURCE}?dryRun=All`;
    try {
      await cluster.client.send({ method: "POST", path, body: { ...result, metadata: own }, signal });
      return ok(`admitted in ${namespace}; nothing was kept`);
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      return explain(error, { namespace, inPod });
    }
  },
};

function explain(
  error: KubernetesError,
  { namespace, inPod }: { namespace: string; inPod: boolean },
): Finding {
  if (error.status === 404) {
    const isNamespace = /namespaces? "/.test(error.message);
    if (isNamespace) return fail(error.message, "name the namespace that workflows run in: -n NAMESPACE");
    return fail(
      `the API server does not know ${RESOURCE}.${GROUP}: ${error.message}`,
      "install the custom resources of Argo Workflows in the controller's version, for example",
      [
        'kubectl apply --server-side -k "https://github.com/argoproj/argo-workflows/manifests/base/crds/full?ref=v4.1.2"',
      ],
    );
  }
  if (error.status === 403 && !inPod) {
    return skip(`you may not create them in ${namespace} yourself; whether the account may is said above`);
  }
  return fail(
    error.message,
    "an admission rule of the cluster refuses what executors report: its message says which; exempt workflowtaskresults from it",
  );
}

/** Asks for ourselves where we are an executor, and by name for an account otherwise. */
async function review(
  client: RestClient,
  { namespace, inPod, flags, serviceAccount = "default" }: Examination,
  verb: string,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceAttributes = { namespace, verb, group: GROUP, resource: RESOURCE };
  const isSelf = inPod && flags.serviceAccount === undefined;
  const kind = isSelf ? "SelfSubjectAccessReview" : "LocalSubjectAccessReview";
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  const spec = isSelf
    ? { resourceAttributes }
    : { resourceAttributes, user: `system:serviceaccount:${namespace}:${serviceAccount}`, groups };
  const collection = isSelf
    ? "selfsubjectaccessreviews"
    : `namespaces/${encodeURIComponent(namespace)}/localsubjectaccessreviews`;
  const { status } = (await client.send({
    method: "POST",
    path: `/apis/authorization.k8s.io/v1/${collection}`,
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind,
      // A local review is an object of its namespace.
      ...(!isSelf && { metadata: { namespace } }),
      spec,
    },
    signal,
  })) as { status?: { allowed?: boolean } };
  return status?.allowed === true;
}

function subjectOf({ namespace, serviceAccount }: Examination): string {
  return serviceAccount ? `system:serviceaccount:${namespace}:${serviceAccount}` : "this pod's account";
}

function grantCommands({ namespace, serviceAccount = "default" }: Examination): string[] {
  const name = "skein-executor";
  // Applied, because a Role of this name may be there and have too little in it.
  const apply = `--dry-run=client -o yaml | kubectl -n ${namespace} apply -f -`;
  return [
    `kubectl -n ${namespace} create role ${name} --verb=${VERBS.join(",")} --resource=${RESOURCE}.${GROUP} ${apply}`,
    `kubectl -n ${namespace} create rolebinding ${name}-${serviceAccount} --role=${name} --serviceaccount=${namespace}:${serviceAccount} ${apply}`,
  ];
}
