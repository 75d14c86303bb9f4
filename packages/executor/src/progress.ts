/**
 * The progress a text ends with: its last line, if that reads as `N/M` with 0 ≤ N ≤ M and M > 0.
 *
 * As upstream has it (contract §10.4), a part that is no integer counts as 0 and the line is sent as it was written:
 * `a/5` is valid, `a/b` is not. A line without `/` is invalid, where upstream panicked (§22.5).
 *
 * @returns the line and whether it is valid; `undefined` when the text holds no line
 */
export function lastProgress(text: string): { line: string; valid: boolean } | undefined {
  const line = text.trim().split("\n").at(-1)?.trim() ?? "";
  return line === "" ? undefined : { line, valid: isProgress(line) };
}

function isProgress(line: string): boolean {
  const slash = line.indexOf("/");
  if (slash < 0) return false;
  const done = integerOrZero(line.slice(0, slash));
  const total = integerOrZero(line.slice(slash + 1));
  return total > 0 && done >= 0 && done <= total;
}

function integerOrZero(text: string): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : 0;
}
