/** What a job is: the settings a journal keeps, so that no other job goes on with it. Pure. */

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The settings that make a job what it is (from, to, match, route …): not how fast or how it reports. No secrets. */
export type JobSettings = Record<string, Json>;

/** One text per meaning: keys sorted, passwords in URLs left out, should one have slipped in. */
export function encodeSettings(settings: JobSettings): string {
  return JSON.stringify(sorted(settings));
}

function sorted(value: Json): Json {
  if (typeof value === "string") return value.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):[^/?#]*@/i, "$1@");
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}

/** What differs, a line for each setting: `from was "…", is now "…"`. Empty where the jobs are the same. */
export function compareSettings(before: JobSettings, now: JobSettings): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return keys.flatMap((key) => {
    const [was, is] = [textOf(before[key]), textOf(now[key])];
    return was === is ? [] : [`${key} was ${was}, is now ${is}`];
  });
}

function textOf(value: Json | undefined): string {
  return value === undefined ? "not set" : JSON.stringify(sorted(value));
}
