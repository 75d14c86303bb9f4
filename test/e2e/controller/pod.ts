/** Of `v1.Pod`: what controllers of workflows write, and what our kubelet reads. */
export interface Pod {
  apiVersion: "v1";
  kind: "Pod";
  metadata: {
    name: string;
    namespace: string;
    uid?: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: object[];
  };
  spec: PodSpec;
}

export interface PodSpec {
  volumes: Volume[];
  initContainers?: Container[];
  containers: Container[];
  restartPolicy: "Never";
  serviceAccountName: string;
  nodeName?: string;
  activeDeadlineSeconds?: number;
  terminationGracePeriodSeconds?: number;
  securityContext?: PodSecurityContext;
}

export interface PodSecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  /** Group of the pod's volumes, and one more group of each process. */
  fsGroup?: number;
}

export interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  readOnlyRootFilesystem?: boolean;
  allowPrivilegeEscalation?: boolean;
  privileged?: boolean;
  capabilities?: { drop?: string[]; add?: string[] };
  seccompProfile?: { type: "RuntimeDefault" | "Unconfined" };
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvVar[];
  volumeMounts?: VolumeMount[];
  securityContext?: SecurityContext;
  resources?: { limits?: { memory?: string }; requests?: object };
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { fieldRef: { apiVersion?: string; fieldPath: string } };
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
}

export interface KeyToPath {
  key: string;
  path: string;
}

export interface Volume {
  name: string;
  emptyDir?: { medium?: "Memory" };
  secret?: { secretName: string; items?: KeyToPath[] };
  configMap?: { name: string; items?: KeyToPath[] };
  projected?: { sources: ProjectedSource[] };
  image?: { reference: string; pullPolicy?: string };
}

export interface ProjectedSource {
  serviceAccountToken?: { path: string; expirationSeconds?: number };
  configMap?: { name: string; items?: KeyToPath[] };
  downwardAPI?: { items: { path: string; fieldRef: { fieldPath: string } }[] };
}
