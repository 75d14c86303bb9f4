import type { Check } from "./check.ts";
import { apiServer } from "./checks/api-server.ts";
import { clock } from "./checks/clock.ts";
import { controllerSettings } from "./checks/controller-settings.ts";
import { disk } from "./checks/disk.ts";
import { dns } from "./checks/dns.ts";
import { gitChecks, knownHosts } from "./checks/git.ts";
import { otlp } from "./checks/otlp.ts";
import { artifactRepository } from "./checks/repository.ts";
import { s3Addressing } from "./checks/s3-addressing.ts";
import { s3Credentials } from "./checks/s3-credentials.ts";
import { s3Endpoint } from "./checks/s3-endpoint.ts";
import { s3Lifecycle } from "./checks/s3-lifecycle.ts";
import { s3List } from "./checks/s3-list.ts";
import { s3Delete, s3Get, s3Head, s3Put } from "./checks/s3-objects.ts";
import { s3Region } from "./checks/s3-region.ts";
import { settings } from "./checks/settings.ts";
import { taskResultDryRun, taskResultRights } from "./checks/task-results.ts";
import { user } from "./checks/user.ts";
import type { Examination } from "./examination.ts";

/** Every check, in the order in which they are printed. */
export function allChecks(examination: Examination): Check[] {
  return [
    apiServer,
    taskResultRights,
    taskResultDryRun,
    controllerSettings,
    settings,
    dns,
    clock,
    artifactRepository,
    s3Addressing,
    s3Endpoint,
    s3Credentials,
    s3List,
    s3Region,
    s3Put,
    s3Head,
    s3Get,
    s3Delete,
    s3Lifecycle,
    knownHosts,
    ...gitChecks(examination),
    disk,
    user,
    otlp,
  ];
}
