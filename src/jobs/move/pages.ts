/** Rows a page at a time. Pure. */

/** Groups of `size` rows as they come; the last one may be smaller. */
export function* pages<T>(rows: Iterable<T>, size: number): Generator<T[]> {
  let page: T[] = [];
  for (const row of rows) {
    page.push(row);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
