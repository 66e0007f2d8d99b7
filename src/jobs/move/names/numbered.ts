/** The names that are tried where one is taken. Pure. */

/** `a/b.tar.gz` → `a/b-1.tar.gz`: before the first dot of the last part, unless that begins with it. */
export function numbered(path: string, n: number): string {
  const start = path.lastIndexOf("/") + 1;
  const dot = path.indexOf(".", start + 1);
  return dot === -1 ? `${path}-${n}` : `${path.slice(0, dot)}-${n}${path.slice(dot)}`;
}
