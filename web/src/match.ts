// An address as a route and what it names: `/video/:id` and `{ id }`.
export type Params = Record<string, string>;

export function match<T extends { path: string }>(
  path: string,
  list: T[],
): { route: T; params: Params } | undefined {
  for (const route of list) {
    const names: string[] = [];
    const pattern = route.path.replace(/:(\w+)/g, (_, name) => {
      names.push(name);
      return '([^/]+)';
    });
    const found = new RegExp(`^${pattern}/?$`).exec(path);
    if (!found) continue;
    try {
      const params = Object.fromEntries(
        names.map((name, at) => [name, decodeURIComponent(found[at + 1] ?? '')]),
      );
      return { route, params };
    } catch {
      return undefined;
    }
  }
  return undefined;
}
