import type { Case } from "../suite/case.ts";
import { API_ACCESS_CASES } from "./api-access.ts";
import { API_TROUBLE_CASES } from "./api-trouble.ts";
import { OUTCOME_CASES } from "./outcomes.ts";

export const CASES: readonly Case[] = [...OUTCOME_CASES, ...API_ACCESS_CASES, ...API_TROUBLE_CASES];
