import type { Case } from "../suite/case.ts";
import { API_ACCESS_CASES } from "./api-access.ts";
import { API_TROUBLE_CASES } from "./api-trouble.ts";
import { DOCTOR_CASES } from "./doctor.ts";
import { ENDING_CASES } from "./endings.ts";
import { GIT_CASES } from "./git.ts";
import { GROUP_CASES } from "./groups.ts";
import { IMAGE_CASES } from "./images.ts";
import { INSTALLATION_CASES } from "./installation.ts";
import { OUTCOME_CASES } from "./outcomes.ts";
import { OUTPUT_CASES } from "./outputs.ts";
import { STORE_CASES } from "./stores.ts";
import { TRACING_CASES } from "./tracing.ts";

export const CASES: readonly Case[] = [
  ...OUTCOME_CASES,
  ...OUTPUT_CASES,
  ...GROUP_CASES,
  ...GIT_CASES,
  ...STORE_CASES,
  ...TRACING_CASES,
  ...INSTALLATION_CASES,
  ...IMAGE_CASES,
  ...ENDING_CASES,
  ...API_ACCESS_CASES,
  ...API_TROUBLE_CASES,
  ...DOCTOR_CASES,
];
