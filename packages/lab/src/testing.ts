// For tests and benchmarks of the executor: the lab's containers and servers by themselves.

export { chooseSandbox } from "./sandbox/choose-sandbox.ts";
export { removeTree } from "./sandbox/remove-tree.ts";
export type { ContainerSpec, Sandbox, SandboxMount, SecurityContext } from "./sandbox/sandbox.ts";
export type { SandboxProcess } from "./sandbox/sandbox-process.ts";
export type { S3Server } from "./servers/s3-server.ts";
export { startS3Server } from "./servers/s3-server.ts";
