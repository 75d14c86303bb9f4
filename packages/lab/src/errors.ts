/** A place in the workflow file; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** One thing in the workflow file that the lab does not understand, and where it stands. */
export interface Problem extends Position {
  message: string;
}

/**
 * Thrown before anything is started, when the file is not a workflow that the lab can run.
 * Its message has one line per problem: `FILE:LINE:COLUMN: what and why`.
 */
export class WorkflowFileError extends Error {
  override readonly name = "WorkflowFileError";
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join("\n"));
    this.problems = sorted;
  }
}

/**
 * Thrown before anything is started, when this machine or the command line lacks something the lab needs:
 * a program, a privilege, a directory, a parameter. Says what it is and how to get it.
 */
export class LabSetupError extends Error {
  override readonly name = "LabSetupError";
}
