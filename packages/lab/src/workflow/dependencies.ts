import type { Step } from "./types.ts";

/** The tasks a task waits for: `dependencies`, or the names that `depends` joins by `&&`. */
export function dependenciesOf(task: Step): readonly string[] {
  if (task.depends === undefined) return task.dependencies ?? [];
  return task.depends.split("&&").map((name) => name.trim());
}

/** Whether `depends` is of the kind the lab understands; a whole condition is Argo's. */
export function isPlainDepends(depends: string): boolean {
  return depends.split("&&").every((name) => /^[\w-]+$/.test(name.trim()));
}

/** All tasks a task waits for, directly or not. Ends on cycles, too. */
export function ancestorsOf(task: Step, tasks: readonly Step[]): Set<string> {
  const found = new Set<string>();
  const pending = [...dependenciesOf(task)];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    const next = tasks.find((candidate) => candidate.name === name);
    if (next) pending.push(...dependenciesOf(next));
  }
  return found;
}

/**
 * A way through the graph that ends where it began, such as `["a", "b", "a"]`.
 *
 * @param next where the edges of a name lead
 */
export function findCycle(
  names: Iterable<string>,
  next: (name: string) => readonly string[],
): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const following of next(name)) {
      const cycle = walk(following, [...way, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of names) {
    const cycle = walk(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
