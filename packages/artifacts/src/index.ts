// For the executor: moving artifacts.

export type { LoadRequest, SaveRequest, SaveSource, TransferEngine, TransferEngineParts } from "./engine.ts";
export { createTransferEngine } from "./engine.ts";
export type { SecretReader } from "./secret-reader.ts";
export type { TransferConfig, TransferSettings } from "./settings.ts";
export { parseTransferSettings } from "./settings.ts";
export type { TransferReport } from "./transfer-report.ts";
// For whoever reads reports.

export type { StageName, StageTimes } from "./stage-clock.ts";
export { STAGE_NAMES } from "./stage-clock.ts";
export type { BoundBy } from "./verdict.ts";
// For data templates and artifact deletion, later: the drivers themselves.

export type { ArtifactContent, ArtifactDriver } from "./driver.ts";
export type { Drivers } from "./drivers.ts";
export { createDrivers } from "./drivers.ts";
// For the doctor: what artifacts are reached by, without moving any.

export type { RepositoryHead } from "./git/inspect-repository.ts";
export { countKnownHosts, inspectRepository, inspectStore } from "./inspect.ts";
export type { InspectedStore, StoreCertificate, StoreGreeting } from "./s3/inspect-store.ts";
