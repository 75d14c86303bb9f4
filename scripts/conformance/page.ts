/** What came of one case in one kind of container. */
export interface CaseResult {
  /** As the test is called: `§10.1 statement [§22.5]`. */
  title: string;
  /** Title of the table with the kind of container: `output parameters (root)`. */
  table: string;
  /** Of the tables' file, from the repository's root. */
  file: string;
  passed: boolean;
}

interface Row {
  section: string;
  statement: string;
  pitfall: string;
  file: string;
  results: Map<string, boolean>;
}

const PROFILES = ["root", "locked"];

/** The page of statements, cases and results, as `docs/conformance.md` holds it. The same results give the same text. */
export function conformancePage(results: readonly CaseResult[]): string {
  const rows = [...rowsOf(results).values()].sort(
    (a, b) => compareSections(a.section, b.section) || (a.statement < b.statement ? -1 : 1),
  );
  const sections = Map.groupBy(rows, ({ section }) => section.split(".")[0] ?? "");
  return [
    "# Conformance",
    "",
    "<!-- Written by `make conformance`; `make test` fails when it differs from what its run has shown. -->",
    "",
    `${rows.length} statements of the contract between a controller and its executor, each tried on pods that run the built`,
    "front and core as processes in private mounts, with a real S3 server and an API server over TLS: as **root**, and",
    "**locked** (user 8737, read-only root file system, no capabilities). How to run one, or add one:",
    "[test/conformance](../test/conformance/README.md). [§22.n] is a known fault of upstream's executor that does not occur here.",
    ...[...sections].flatMap(([section, members]) => sectionLines(section, members)),
    "",
  ].join("\n");
}

const TITLES: Readonly<Record<string, string>> = {
  1: "The pod as the controller builds it",
  2: "Command line, exit codes, termination message",
  3: "Environment",
  4: "Files",
  5: "Template",
  6: "Init",
  7: "The wrapper of the user's command",
  8: "Wait",
  9: "Supervisor: pods without an init container",
  10: "Output parameters, result, exit code, progress",
  11: "Output artifacts and logs",
  12: "Artifact drivers",
  13: "Archives",
  14: "Task results",
  18: "Kill",
  19: "Logging",
  20: "Tracing",
  21: "Transient errors and retries",
  22: "Known faults of upstream",
};

function sectionLines(section: string, rows: readonly Row[]): string[] {
  return [
    "",
    `## §${section} ${TITLES[section] ?? ""}`.trimEnd(),
    "",
    "| § | statement | root | locked | file |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(({ section: at, statement, pitfall, file, results }) => {
      const cells = PROFILES.map((profile) => resultText(results.get(profile)));
      const name = file.split("/").at(-1)?.replace(".test.ts", "") ?? "";
      const text = `${escapeCell(statement)}${pitfall === "" ? "" : ` [§22.${pitfall}]`}`;
      return `| ${at} | ${text} | ${cells.join(" | ")} | [${name}](../${file}) |`;
    }),
  ];
}

function resultText(passed: boolean | undefined): string {
  if (passed === undefined) return "–";
  return passed ? "passed" : "**failed**";
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*").replaceAll("_", "\\_");
}

function rowsOf(results: readonly CaseResult[]): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const { title, table, file, passed } of results) {
    const [, section = "", statement = "", , pitfall = ""] =
      /^§(\S+) (.*?)( \[§22\.(\d+)\])?$/s.exec(title) ?? [];
    const profile = /\((\w+)\)$/.exec(table)?.[1];
    if (section === "" || profile === undefined) continue;
    const key = `${file} ${title}`;
    const row = rows.get(key) ?? { section, statement, pitfall, file, results: new Map() };
    row.results.set(profile, passed && row.results.get(profile) !== false);
    rows.set(key, row);
  }
  return rows;
}

/** `9.2` before `10.1`. */
function compareSections(a: string, b: string): number {
  const [left, right] = [a, b].map((section) => section.split(".").map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
