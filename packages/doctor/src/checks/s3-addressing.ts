import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Check, fail, ok, skip } from "../check.ts";

const PATH_STYLE = ["addressingStyle: path"];

/** Whether the bucket stands in the path or in the host name, and whether that can work. */
export const s3Addressing: Check = {
  id: "s3-addressing",
  title: "S3 addressing",
  needs: ["settings", "repository"],
  stuck: { say: "the name server does not answer: look at the cluster's DNS" },
  stuckOutside: { say: "the name server of this machine does not answer: look at its network and VPN" },
  async run(examination) {
    const { location } = await examination.repository();
    if (!location?.s3) return skip("the artifact repository is not in S3");
    const { bucket = "", endpoint = "", addressingStyle } = location.s3;
    const host = endpoint.replace(/:\d+$/, "");
    if (isIP(host) !== 0 && addressingStyle === "virtual-hosted") {
      return fail(
        `virtual-hosted style for ${host}`,
        "an address cannot have a bucket before it: set in the repository's s3",
        PATH_STYLE,
      );
    }
    const { address, addressing } = await examination.storeToStrangers();
    const evidence = `${addressing === "path" ? "path style" : "virtual-hosted style"}: ${address.href}`;
    if (addressing === "path") return ok(evidence);
    if (address.protocol === "https:" && bucket.includes(".")) {
      return fail(
        evidence,
        `a certificate for *.${host} is not good for a bucket with a dot in its name: set in the repository's s3`,
        PATH_STYLE,
      );
    }
    if (usesProxy(examination.env) || (await isKnown(address.hostname)) || !(await isKnown(host))) {
      return ok(evidence);
    }
    return fail(
      `${evidence}, and there is no name ${address.hostname}, though there is ${host}`,
      "the store does not serve buckets as host names (or its wildcard DNS entry is missing): set in the repository's s3",
      PATH_STYLE,
    );
  },
};

/** Then it is the proxy that looks names up. */
function usesProxy({
  HTTPS_PROXY,
  HTTP_PROXY,
  https_proxy,
  http_proxy,
}: Readonly<Record<string, string | undefined>>): boolean {
  return [HTTPS_PROXY, HTTP_PROXY, https_proxy, http_proxy].some(Boolean);
}

async function isKnown(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return true;
  } catch {
    return false; // that is the answer
  }
}
