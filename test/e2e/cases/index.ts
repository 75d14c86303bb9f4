import type { Case } from "../suite/case.ts";
import { OUTCOME_CASES } from "./outcomes.ts";

export const CASES: readonly Case[] = [...OUTCOME_CASES];
