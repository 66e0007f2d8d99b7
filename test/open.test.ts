/** open() and clientFor(): each URL is answered by its own protocol, which is loaded when it is used. */
import { afterEach, expect, test, vi } from "vitest";
import type { Clients } from "../src/open.js";
import { failure } from "./net/loopback.js";

const PROTOCOLS: readonly (keyof Clients)[] = ["ftp", "imap", "nntp", "pop3", "smtp"];
const client = (protocol: string) => `../src/${protocol}/client.js`;

afterEach(() => {
  for (const protocol of PROTOCOLS) vi.doUnmock(client(protocol));
  vi.resetModules();
});

test.each(PROTOCOLS)("a URL of %s loads no other protocol", async (protocol) => {
  const loaded: string[] = [];
  for (const each of PROTOCOLS) {
    vi.doMock(client(each), async (original) => {
      loaded.push(each);
      return original();
    });
  }
  const { clientFor } = await import("../src/open.js");
  expect(loaded).toEqual([]);
  const made = await clientFor(`${protocol}s://alice@h.example`, {}, protocol);
  expect([made.protocol, made.state, loaded]).toEqual([protocol, "idle", [protocol]]);
});

test.each(PROTOCOLS)("a client of %s is not made from the URL of another protocol", async (protocol) => {
  const { clientFor } = await import("../src/open.js");
  for (const other of PROTOCOLS.filter((each) => each !== protocol)) {
    const error = await failure(clientFor(`${other}://alice:s3cret@h.example`, {}, protocol));
    // By name: the modules were loaded anew.
    expect(error.name).toBe("UsageError");
    expect(error.message).toMatch(new RegExp(`the schemes are ${protocol} and ${protocol}s`));
    expect(error.message).not.toContain("s3cret");
  }
});

test.each(PROTOCOLS)(
  "for %s, options of other protocols and of the call are passed over, unknown ones are not",
  async (protocol) => {
    const { clientFor } = await import("../src/open.js");
    const all = { mode: "passive", modeReader: true, apop: false, lmtp: false, compress: true, timeout: 5 } as const;
    const made = await clientFor<keyof Clients>(`${protocol}s://h.example`, all, protocol);
    expect([made.protocol, made.state]).toEqual([protocol, "idle"]);
    const error = await failure(
      clientFor<keyof Clients>(`${protocol}s://h.example`, { ...all, proxi: "x" } as object, protocol),
    );
    expect([error.name, error.message]).toEqual(["UsageError", "proxi is not an option: is proxy meant?"]);
  },
);
