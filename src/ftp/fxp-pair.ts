/** What is known of the ways between two servers: found out once, and true for all connections to them. */
import { PolywireError } from "../client/errors.js";
import type { FxpRole, FxpWay } from "./fxp-way.js";

/**
 * What was found out about FXP between two servers, for many connections to them: give the same one to each call. With
 * none, each pair of clients finds it out for itself.
 */
export class FxpPair {
  /** Ways that did not work, and why. */
  readonly #failed = new Map<string, string>();
  #way: FxpWay | undefined;
  #early: boolean | undefined;

  /** Which server listens, in the way that worked; undefined where none did so far. */
  get passive(): FxpRole | undefined {
    return this.#way?.passive;
  }

  /** @internal The way that worked. */
  get way(): FxpWay | undefined {
    return this.#way;
  }

  /** @internal The first of these that was not tried in vain; the one that worked before all others. */
  next(ways: readonly FxpWay[]): FxpWay | undefined {
    return this.#way ?? ways.find((way) => !this.#failed.has(keyOf(way)));
  }

  /** @internal Whether the server that listens says 150 before it has the connection. */
  get early(): boolean | undefined {
    return this.#early;
  }

  /** @internal */
  worked(way: FxpWay, early: boolean | undefined): void {
    this.#way = way;
    this.#early = early;
  }

  /** @internal */
  failed(way: FxpWay, why: string): void {
    this.#failed.set(keyOf(way), why);
  }

  /** @internal Why none of these works. */
  reasons(ways: readonly FxpWay[]): string {
    const all = ways.map((way) => `with the ${nameOf(way)}, ${this.#failed.get(keyOf(way))}`);
    return all.join("; ");
  }
}

/** The two servers cannot send files to each other: they may not, or cannot reach each other. Both clients are usable. */
export class FxpError extends PolywireError {
  override readonly name = "FxpError";
}

function keyOf({ passive, client }: FxpWay): string {
  return `${passive} ${client ?? ""}`;
}

function nameOf({ passive, client }: FxpWay): string {
  return client === undefined ? `${passive} listening` : `${passive} listening and the ${client} beginning TLS`;
}
