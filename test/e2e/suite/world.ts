import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type S3Server, startS3Server } from "../../support/s3-server.ts";
import { installAccess, NAMESPACE } from "../cluster/access.ts";
import type { ApiServer } from "../cluster/api-server.ts";
import { type Collector, startCollector } from "../cluster/collector.ts";
import { startControlPlane } from "../cluster/control-plane.ts";
import { installCustomResources } from "../cluster/custom-resources.ts";
import { documentedRole } from "../cluster/documented-role.ts";
import type { KubeObject } from "../cluster/kube-client.ts";
import { makeUserImages, type UserImages } from "../node/images.ts";
import { createKubelet, type Kubelet, type KubeletOptions } from "../node/kubelet.ts";
import { createPodman, type Podman } from "../node/podman.ts";

/** Everything that a case finds: a cluster of one node, a store, a collector. */
export interface World extends AsyncDisposable {
  api: ApiServer;
  kubelet: Kubelet;
  podman: Podman;
  store: S3Server;
  collector: Collector;
  images: UserImages & ExecutorImages;
}

/** As `make images` names them. */
export interface ExecutorImages {
  /** For `executor.image`. */
  executor: string;
  /** The slim ones, for the two containers by themselves. */
  init: string;
  wait: string;
  /** What runs as a user of its own without being told. */
  nonroot: string;
}

export interface WorldOptions {
  /** Of everything that is written; has to be there. */
  directory: string;
  /** Names this run; its containers carry it. */
  run: string;
  /** Of the executor's images. */
  tag: string;
  /** Settings of the container engine. */
  containersConf: string;
  /** Definitions of Argo's kinds. Default our own minimal ones. */
  customResources?: readonly KubeObject[];
  /** Of the store's buckets. Default a temporary directory. */
  storeRoot?: string;
  /** More flags of the container engine, for each container. */
  flags?: KubeletOptions["flags"];
}

/** The secret that the default repository names. */
export const CREDENTIALS = "s3-credentials";

export async function startWorld(options: WorldOptions): Promise<World> {
  const { directory, run, tag, containersConf, flags } = options;
  const stack = new AsyncDisposableStack();
  try {
    const podman = createPodman(run, containersConf);
    const store = stack.use(await startS3Server(options.storeRoot ? { root: options.storeRoot } : {}));
    const servers = join(directory, "servers");
    mkdirSync(servers, { recursive: true });
    const collector = stack.use(await startCollector(servers));
    const { api } = stack.use(await startControlPlane(join(servers, "control-plane")));
    await installCustomResources(api.admin, options.customResources);
    await installAccess(api.admin, api.ca, documentedRole());
    await api.admin.create(`/api/v1/namespaces/${NAMESPACE}/secrets`, {
      metadata: { name: CREDENTIALS },
      stringData: { accesskey: store.accessKey, secretkey: store.secretKey },
    });
    const own = await makeUserImages(podman, run);
    stack.defer(async () => {
      await podman.try("image", "rm", own.busybox, own.scratch);
    });
    // Containers before the images they were made from.
    stack.defer(() => podman.removeAll());
    const images = { ...own, ...executorImages(tag) };
    for (const image of Object.values(executorImages(tag))) {
      await podman.run("image", "exists", image).catch(() => {
        throw new Error(`there is no image ${image}: run \`make images\``);
      });
    }
    const kubelet = createKubelet({
      api,
      podman,
      imageRoot: createImageRoots(podman, stack),
      directory: join(directory, "pods"),
      ...(flags ? { flags } : {}),
    });
    return {
      api,
      kubelet,
      podman,
      store,
      collector,
      images,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function executorImages(tag: string): ExecutorImages {
  const image = (name: string, suffix = ""): string => `localhost/skein/${name}:${tag}${suffix}`;
  return {
    executor: image("argoexec"),
    init: image("init"),
    wait: image("wait"),
    nonroot: image("argoexec", "-nonroot"),
  };
}

/** Mounts each image once and holds it to the end: one that ends would take it from one that starts (podman 4.3). */
function createImageRoots(podman: Podman, stack: AsyncDisposableStack): (image: string) => Promise<string> {
  const roots = new Map<string, Promise<string>>();
  return (image) => {
    const known = roots.get(image);
    if (known) return known;
    const root = podman.run("image", "mount", image);
    roots.set(image, root);
    stack.defer(async () => {
      await podman.try("image", "unmount", image);
    });
    return root;
  };
}
