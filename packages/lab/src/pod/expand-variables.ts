/**
 * `$(NAME)` as a kubelet replaces it in a container's command, arguments and environment: known names by their values,
 * unknown ones not at all; `$$` is a dollar sign that begins nothing.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expandVariables(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (found: string, name: string | undefined) => {
    if (found === "$$") return "$";
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? "") : found;
  });
}
