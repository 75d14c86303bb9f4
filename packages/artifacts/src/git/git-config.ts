/** A section of a configuration file of git; a name with several values is given several times. */
export interface ConfigSection {
  name: string;
  subsection?: string;
  values: Readonly<Record<string, string | readonly string[]>>;
}

/** The text of a configuration file (git-config(1), syntax). */
export function formatConfig(sections: readonly ConfigSection[]): string {
  return sections
    .map(({ name, subsection, values }) => {
      const head = subsection === undefined ? `[${name}]` : `[${name} "${escaped(subsection)}"]`;
      const lines = Object.entries(values).flatMap(([key, value]) =>
        [value].flat().map((one) => `\t${key} = ${quoted(one)}`),
      );
      return `${[head, ...lines].join("\n")}\n`;
    })
    .join("");
}

/** As git itself writes it: in quotes only where it must be. */
function quoted(value: string): string {
  return /^\s|\s$|[#;"\\\n]/.test(value) ? `"${escaped(value)}"` : value;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
