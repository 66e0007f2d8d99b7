/** Values that must be shown nowhere, and text without them. No I/O. */

/** Shorter ones would be found everywhere. */
const SHORTEST = 3;

/** What a connection must not show: each becomes `***`. */
export class Secrets {
  #known: readonly string[] = [];

  hide(secret: string | undefined): void {
    if (secret === undefined || secret.length < SHORTEST || this.#known.includes(secret)) return;
    // The longest first: a secret may hold another one.
    this.#known = [...this.#known, secret].sort((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    let out = text;
    for (const secret of this.#known) if (out.includes(secret)) out = out.replaceAll(secret, "***");
    return out;
  }
}
