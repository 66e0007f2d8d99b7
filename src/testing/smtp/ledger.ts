/** What an in-memory SMTP server remembers over all connections: messages, violations, who was asked to come back. */
import type { SmtpMessage } from "./message.js";

const MOST_VIOLATIONS = 1000;

export class Ledger {
  messages: SmtpMessage[] = [];
  violations: string[] = [];
  messageCount = 0;
  contentBytes = 0;
  readonly #seen = new Map<string, number>();
  #connections = 0;

  /** Numbers a new connection. */
  connection(): number {
    this.#connections += 1;
    return this.#connections;
  }

  /** Counts a message, and keeps it where `kept` says so. */
  take(message: SmtpMessage, kept: boolean): void {
    this.messageCount += 1;
    this.contentBytes += message.size;
    if (kept) this.messages.push(message);
  }

  violation(text: string): void {
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push(text);
  }

  /** How often this sender has tried this recipient before. */
  tries(from: string, to: string): number {
    const pair = `${from}\n${to}`;
    const before = this.#seen.get(pair) ?? 0;
    this.#seen.set(pair, before + 1);
    return before;
  }
}
