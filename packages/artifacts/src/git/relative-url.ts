/**
 * The address of a submodule, made whole where it is relative to its parent's (`./x`, `../x`), as git does it
 * (gitsubmodules(7), `remote.c:relative_url`).
 *
 * @returns nothing when it leads above the parent's host
 */
export function resolveSubmoduleUrl(url: string, parent: string): string | undefined {
  if (!isRelative(url)) return url;
  let base = parent.replace(/\/+$/, "");
  let rest = url;
  let isAfterColon = false;
  while (isRelative(rest)) {
    if (rest.startsWith("./")) {
      rest = rest.slice(2);
      continue;
    }
    rest = rest.slice(3);
    const shorter = withoutLastPart(base);
    if (shorter === undefined) return undefined;
    ({ base, isAfterColon } = shorter);
  }
  return `${base}${isAfterColon ? ":" : "/"}${rest.replace(/\/+$/, "")}`;
}

function isRelative(url: string): boolean {
  return url.startsWith("./") || url.startsWith("../");
}

/** `host:path` ends at its colon, and what comes after a scheme at its host. */
function withoutLastPart(base: string): { base: string; isAfterColon: boolean } | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(base)?.[0] ?? "";
  const slash = base.lastIndexOf("/");
  if (slash >= authority.length) return { base: base.slice(0, slash), isAfterColon: false };
  const colon = base.lastIndexOf(":");
  if (authority !== "" || slash >= 0 || colon < 0) return undefined;
  return { base: base.slice(0, colon), isAfterColon: true };
}
