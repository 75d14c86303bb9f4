import type { Artifact, Outputs, Parameter } from "@skein/contract";

/** What `finish` has collected by now. Artifacts are reported in the order of declaration, whichever was saved first. */
export class CollectedOutputs {
  parameters: Parameter[] = [];
  result: string | undefined;
  readonly #artifacts = new Map<number, Artifact>();
  readonly #logs = new Map<number, Artifact>();

  readonly artifactSaved = (position: number, reported: Artifact): void => {
    this.#artifacts.set(position, reported);
  };
  readonly logSaved = (position: number, reported: Artifact): void => {
    this.#logs.set(position, reported);
  };

  /** Outputs, then logs; nothing that there is none of. */
  outputs(): Outputs {
    const artifacts = [...inOrder(this.#artifacts), ...inOrder(this.#logs)];
    return {
      ...(this.parameters.length > 0 ? { parameters: this.parameters } : {}),
      ...(artifacts.length > 0 ? { artifacts } : {}),
      ...(this.result === undefined ? {} : { result: this.result }),
    };
  }
}

function inOrder(saved: ReadonlyMap<number, Artifact>): Artifact[] {
  return [...saved].sort(([a], [b]) => a - b).map(([, artifact]) => artifact);
}
