import { describe, expect, it } from "vitest";
import { startTaskResultApi, type TaskResultApi } from "./task-result-api.ts";

const COLLECTION = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtaskresults";
const BODY = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "WorkflowTaskResult",
  metadata: {
    name: "wf-1",
    labels: { "workflows.argoproj.io/workflow": "wf" },
    ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Workflow", name: "wf", uid: "u" }],
  },
};

async function withApi(test: (call: Call, api: TaskResultApi) => Promise<void>): Promise<void> {
  const api = await startTaskResultApi({ token: "t0ken" });
  try {
    await test(async (method, path, body, headers = {}) => {
      const response = await fetch(api.url + path, {
        method,
        headers: { authorization: "Bearer t0ken", "content-type": contentType(method), ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return { code: response.status, object: (await response.json()) as ApiObject };
    }, api);
  } finally {
    await api.close();
  }
}

type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ code: number; object: ApiObject }>;

interface ApiObject {
  [field: string]: unknown;
  metadata?: Record<string, unknown>;
}

function contentType(method: string): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

describe("the task-result API", () => {
  it("keeps labels and owners of a new object, and gives it what a server gives", () =>
    withApi(async (call) => {
      const { code, object } = await call("POST", COLLECTION, BODY);
      expect(code).toBe(201);
      expect(object).toMatchObject(BODY);
      expect(object.metadata).toMatchObject({ namespace: "argo", resourceVersion: "1" });
      expect(object.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    }));

  it("answers a second create with 409 AlreadyExists", () =>
    withApi(async (call) => {
      await call("POST", COLLECTION, BODY);
      const { code, object } = await call("POST", COLLECTION, BODY);
      expect(code).toBe(409);
      expect(object).toMatchObject({
        kind: "Status",
        reason: "AlreadyExists",
        message: 'workflowtaskresults.argoproj.io "wf-1" already exists',
      });
    }));

  it("merges patches: objects merge, lists are replaced, null removes, identity stays", () =>
    withApi(async (call, api) => {
      await call("POST", COLLECTION, BODY);
      await call("PATCH", `${COLLECTION}/wf-1`, { outputs: { result: "r", parameters: [{ name: "a" }] } });
      const patch = {
        metadata: { name: "other", uid: "x", labels: { done: "true" } },
        outputs: { parameters: [{ name: "b" }], result: null },
      };
      const { code, object } = await call("PATCH", `${COLLECTION}/wf-1`, patch);
      expect(code).toBe(200);
      expect(object.outputs).toEqual({ parameters: [{ name: "b" }] });
      expect(object.metadata).toMatchObject({
        name: "wf-1",
        resourceVersion: "3",
        labels: { "workflows.argoproj.io/workflow": "wf", done: "true" },
      });
      expect(api.get("argo", "wf-1")?.metadata.uid).toBe(object.metadata?.uid);
    }));

  it("answers 404 for an object, a resource or a namespace it does not have", () =>
    withApi(async (call) => {
      await call("POST", COLLECTION, BODY);
      expect((await call("PATCH", `${COLLECTION}/nope`, {})).object.message).toBe(
        'workflowtaskresults.argoproj.io "nope" not found',
      );
      expect((await call("GET", `${COLLECTION.replace("argo/", "other/")}/wf-1`)).code).toBe(404);
      expect((await call("GET", "/api/v1/namespaces/argo/pods")).code).toBe(404);
    }));

  it("lists by namespace and label", () =>
    withApi(async (call) => {
      await call("POST", COLLECTION, BODY);
      const list = async (selector: string): Promise<unknown[]> =>
        (await call("GET", `${COLLECTION}?labelSelector=${encodeURIComponent(selector)}`)).object
          .items as unknown[];
      expect(await list("workflows.argoproj.io/workflow=wf")).toHaveLength(1);
      expect(await list("workflows.argoproj.io/workflow")).toHaveLength(1);
      expect(await list("workflows.argoproj.io/workflow=other")).toHaveLength(0);
    }));

  it.each([
    ["without the token", 401, "POST", COLLECTION, BODY, { authorization: "Bearer wrong" }],
    [
      "a patch of another type",
      415,
      "PATCH",
      `${COLLECTION}/wf-1`,
      {},
      { "content-type": "application/json-patch+json" },
    ],
    ["an object without a name", 422, "POST", COLLECTION, { ...BODY, metadata: {} }, {}],
    ["another kind of object", 400, "POST", COLLECTION, { ...BODY, kind: "Pod" }, {}],
    ["a body that is no JSON", 422, "POST", COLLECTION, "{", {}],
    ["a body beyond the limit", 413, "POST", COLLECTION, "x".repeat(3 * 1024 * 1024 + 1), {}],
    ["a method it does not have", 405, "DELETE", `${COLLECTION}/wf-1`, undefined, {}],
  ] as const)("refuses %s", (_what, code, method, path, body, headers) =>
    withApi(async (call, api) => {
      expect((await call(method, path, body, headers)).code).toBe(code);
      expect(api.list()).toEqual([]);
    }),
  );
});
