import type { InspectedStore } from "@skein/artifacts";
import { ArtifactError, errorMessage } from "@skein/contract";
import { type Finding, type Findings, fail, ok, STOPPED, skip, warn } from "../check.ts";
import type { Examination } from "../examination.ts";
import { endpointOption, s3Check } from "../s3-failures.ts";

/** What is put into the bucket, and looked for again. */
const CONTENT = "skein doctor was here, and should have removed this. It can be deleted.\n";

/** Whether anything was put, or may have been. */
const begun = new WeakSet<Examination>();

interface Probe {
  key: string;
  url: string;
  requests: InspectedStore["requests"];
}

/** The way of one small object into the bucket. */
export const s3Put = s3Check({
  id: "s3-put",
  title: "S3 put",
  needs: ["s3-endpoint", "s3-credentials"],
  after: ["s3-list"],
  async run(examination, { signal, found }) {
    if (examination.flags.readOnly) return skip("--read-only");
    if (!listedOrRefused(found)) return skip("s3-list comes first");
    if (found.get("s3-list")?.status === "warn") return skip("the bucket is not there yet");
    const { key, url, requests } = await probeOf(examination);
    begun.add(examination);
    await requests.put(key, Buffer.from(CONTENT), { signal, contentType: "text/plain" });
    return ok(url);
  },
});

/** That it is there. */
export const s3Head = s3Check({
  id: "s3-head",
  title: "S3 head",
  needs: ["s3-put"],
  async run(examination, { signal }) {
    const { key, url, requests } = await probeOf(examination);
    const facts = await requests.head(key, { signal });
    if (facts?.sizeBytes === CONTENT.length) return ok(`${facts.sizeBytes} bytes`);
    return fail(
      facts
        ? `${url} has ${facts.sizeBytes} bytes instead of ${CONTENT.length}`
        : `${url} was put and is not there`,
      "something between changes or swallows requests: try without the proxy, and look at the store's replication",
    );
  },
});

/** That it comes back as it went. */
export const s3Get = s3Check({
  id: "s3-get",
  title: "S3 get",
  needs: ["s3-put"],
  async run(examination, { signal }) {
    const { key, url, requests } = await probeOf(examination);
    const chunks: Uint8Array[] = [];
    const { body } = await requests.get(key, { signal });
    for await (const chunk of body) chunks.push(chunk);
    if (Buffer.concat(chunks).toString() === CONTENT) return ok("the same bytes came back");
    return fail(
      `${url} came back as other bytes than were put`,
      "something between changes bodies: try without the proxy, and without transformations in the store",
    );
  },
});

/** Removes the probe, whatever became of it. Executors do not delete, so being refused is no failure. */
export const s3Delete = s3Check({
  id: "s3-delete",
  title: "S3 delete",
  after: ["s3-put", "s3-head", "s3-get"],
  tidies: true,
  stuck: { say: "the store does not answer: delete the object skein-doctor-… below the prefix by hand" },
  async run(examination, { signal, found }) {
    const put = found.get("s3-put");
    if (put && !begun.has(examination)) return skip(put.status === "skip" ? put.reason : "nothing was put");
    if (put && !mayBeThere(put)) return skip(put.status === "skip" ? put.reason : "nothing was put");
    const { key, url, requests } = await probeOf(examination);
    try {
      await requests.delete(key, { signal });
      return ok(`removed ${url}`);
    } catch (error) {
      signal.throwIfAborted();
      const isRefused = error instanceof ArtifactError && error.code === "s3.access_denied";
      const { location } = await examination.repository();
      const byHand = `aws s3 rm ${url}${endpointOption(location?.s3 ?? {})}`;
      return isRefused
        ? warn(
            errorMessage(error),
            "nothing to do for workflows: Skein deletes nothing yet, and artifact garbage collection would need s3:DeleteObject; the probe object has to be deleted by somebody else",
            [byHand],
          )
        : fail(errorMessage(error), "the probe object has stayed behind: delete it", [byHand]);
    }
  },
});

async function probeOf(examination: Examination): Promise<Probe> {
  const { location } = await examination.repository();
  const { requests } = await examination.store();
  const key = await examination.probeKey();
  return { key, url: `s3://${location?.s3?.bucket}/${key}`, requests };
}

/** Whoever may not list may still put; for any other reason it would fail in the same way. */
function listedOrRefused(found: Findings): boolean {
  const list = found.get("s3-list");
  return list === undefined || list.status !== "fail" || list.code === "s3.access_denied";
}

/** A put that did not end in time, or was stopped, may have arrived. */
function mayBeThere(put: Finding): boolean {
  if (put.status === "skip") return put.reason === STOPPED;
  return put.status === "ok" || (put.status === "fail" && put.code === undefined);
}
