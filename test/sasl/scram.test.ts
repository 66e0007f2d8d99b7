/** SCRAM: the RFCs' examples, a server of its own, and servers that are not what they say. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import { Scram } from "../../src/sasl/scram.js";
import { escapeName } from "../../src/sasl/scram-message.js";
import { ScramServer, setupOf } from "./dialogue.js";

const PENCIL = { user: "user", password: "pencil" };

/** The examples: what each side says. */
const EXAMPLES = [
  {
    rfc: "RFC 5802 §5",
    name: "SCRAM-SHA-1",
    nonce: "fyko+d2lbbFgONRv9qkxdawL",
    initial: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    last: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
  },
  {
    rfc: "RFC 7677 §3",
    name: "SCRAM-SHA-256",
    nonce: "rOprNGfwEbeRWgbNEkqO",
    initial: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    last: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  },
] as const;

const scramOf = (credentials: object, nonce?: string) => new Scram("SCRAM-SHA-256", setupOf({ credentials }), nonce);
const say = async (scram: Scram, text: string) => (await scram.respond(Buffer.from(text, "latin1"))).toString();

describe.each(EXAMPLES)("the example of $rfc", ({ name, nonce, initial, first, last, final }) => {
  const begin = () => new Scram(name, setupOf({ credentials: PENCIL }), nonce);

  test("with the server's signature as a challenge", async () => {
    const scram = begin();
    expect(scram.initial.toString()).toBe(initial);
    expect(await say(scram, first)).toBe(last);
    expect(await say(scram, final)).toBe("");
    scram.finish(undefined);
  });

  test("with the server's signature in the last reply", async () => {
    const scram = begin();
    await say(scram, first);
    scram.finish(Buffer.from(final));
  });

  test("every signature but that one is refused", async () => {
    const signature = Buffer.from(final.slice(2), "base64");
    for (const wrong of [
      Buffer.alloc(signature.length),
      signature.subarray(1),
      Buffer.concat([signature, Buffer.of(0)]),
      signature.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
    ]) {
      const scram = begin();
      await say(scram, first);
      const text = `v=${Buffer.from(wrong).toString("base64")}`;
      await expect(say(scram, text)).rejects.toThrow(ProtocolError);
      expect(() => scram.finish(undefined)).toThrow(ProtocolError);
    }
  });

  test("a server that agrees without a signature is refused, at every step", async () => {
    expect(() => begin().finish(undefined)).toThrow(/without proving/);
    expect(() => begin().finish(Buffer.from(final))).toThrow(/without proving/);
    const scram = begin();
    await say(scram, first);
    expect(() => scram.finish(undefined)).toThrow(/without proving/);
    expect(() => scram.finish(Buffer.alloc(0))).toThrow(ProtocolError);
  });
});

test("every login has a nonce of its own", () => {
  const nonces = Array.from({ length: 100 }, () => scramOf(PENCIL).initial.toString().split("r=")[1] as string);
  expect(new Set(nonces).size).toBe(100);
  for (const nonce of nonces) expect(nonce).toMatch(/^[\x21-\x2b\x2d-\x7e]{24}$/);
});

describe("against a server", () => {
  // What SASLprep leaves as it is; NFC letters, blanks, emoji.
  const text = fc.stringMatching(/^[ -~éüßñžабв日本🙂]{1,20}$/u);

  test("any user, password and authzid, with = and , in them", async () => {
    const name = fc.oneof(text, fc.stringMatching(/^[=,23DC]{1,10}$/));
    const hash = fc.constantFrom("sha1", "sha256");
    await fc.assert(
      fc.asyncProperty(name, text, fc.option(name, { nil: undefined }), hash, async (user, password, authzid, hash) => {
        const server = new ScramServer({ hash, user, password, ...(authzid === undefined ? {} : { authzid }) });
        const name = hash === "sha1" ? "SCRAM-SHA-1" : "SCRAM-SHA-256";
        const scram = new Scram(name, setupOf({ credentials: { user, password, authzid } }));
        const proof = await say(scram, server.first(scram.initial.toString()));
        scram.finish(Buffer.from(server.last(proof)));
      }),
      { numRuns: 60 },
    );
  });

  test("names and passwords are prepared: a soft hyphen is nothing, a Roman numeral is letters", async () => {
    const server = new ScramServer({ hash: "sha256", user: "IX", password: "IX" });
    const scram = scramOf({ user: "I\u00adX", password: "\u2168" });
    scram.finish(Buffer.from(server.last(await say(scram, server.first(scram.initial.toString())))));
  });

  test("a comma that preparing makes is escaped, too", () => {
    const scram = scramOf({ user: "a\uff0cb\uff1d", password: "x" }, "N");
    expect(scram.initial.toString()).toBe("n,,n=a=2Cb=3D,r=N");
  });

  test.each(["tls-exporter", "tls-server-end-point"] as const)("bound to TLS by %s", async (type) => {
    const data = Buffer.from([0, 255, 44, 61]);
    const flag = `p=${type}`;
    for (const [bound, answer] of [
      [data, /^v=/],
      [Buffer.from("other"), /^e=channel-bindings-dont-match$/],
    ] as const) {
      const server = new ScramServer({ hash: "sha256", ...PENCIL, flag, binding: bound });
      const scram = new Scram("SCRAM-SHA-256-PLUS", setupOf({ credentials: PENCIL, binding: { type, data } }));
      expect(server.last(await say(scram, server.first(scram.initial.toString())))).toMatch(answer);
    }
  });

  test.each([
    ["n", "there is nothing to bind to", { binding: undefined, couldBind: false }],
    ["y", "it could be bound, but the server does not offer it", { couldBind: true }],
    ["n", "the server offers it, and it is not used", { couldBind: false }],
  ])("says %s where %s, and that is part of the proof", async (flag, _why, given) => {
    const binding = { type: "tls-exporter", data: Buffer.from("x") } as const;
    const scram = new Scram("SCRAM-SHA-1", setupOf({ credentials: PENCIL, binding, ...given }));
    const server = new ScramServer({ hash: "sha1", ...PENCIL, flag });
    scram.finish(Buffer.from(server.last(await say(scram, server.first(scram.initial.toString())))));
  });
});

describe("a first message that cannot be right", () => {
  test.each([
    ["nothing", ""],
    ["a nonce that is another one", "r=other1,s=c2FsdA==,i=4096"],
    ["our nonce only", "r=mine,s=c2FsdA==,i=4096"],
    ["our nonce in the middle", "r=1mine1,s=c2FsdA==,i=4096"],
    ["a nonce with a blank", "r=mine 1,s=c2FsdA==,i=4096"],
    ["a nonce with NUL", "r=mine\0,s=c2FsdA==,i=4096"],
    ["a nonce in 8-bit", "r=mine\xff,s=c2FsdA==,i=4096"],
    ["no nonce", "s=c2FsdA==,i=4096"],
    ["no salt", "r=mine1,i=4096"],
    ["an empty salt", "r=mine1,s=,i=4096"],
    ["a salt that is no base64", "r=mine1,s=c2Fs!,i=4096"],
    ["no rounds", "r=mine1,s=c2FsdA=="],
    ["another order", "s=c2FsdA==,r=mine1,i=4096"],
    ["one round", "r=mine1,s=c2FsdA==,i=1"],
    ["4095 rounds", "r=mine1,s=c2FsdA==,i=4095"],
    ["a thousand million rounds", "r=mine1,s=c2FsdA==,i=1000000000"],
    ["more rounds than a number holds", `r=mine1,s=c2FsdA==,i=${"9".repeat(400)}`],
    ["-4096 rounds", "r=mine1,s=c2FsdA==,i=-4096"],
    ["4096.5 rounds", "r=mine1,s=c2FsdA==,i=4096.5"],
    ["rounds in another notation", "r=mine1,s=c2FsdA==,i=0x2000"],
    ["an extension that must be understood", "m=ext,r=mine1,s=c2FsdA==,i=4096"],
    ["the last message", "v=c2FsdA=="],
  ])("%s", async (_what, message) => {
    await expect(say(scramOf(PENCIL, "mine"), message)).rejects.toThrow(ProtocolError);
  });

  test("an extension that need not be understood is part of the proof", async () => {
    const [first, extended] = ["r=mine1,s=c2FsdA==,i=4096", "r=mine1,s=c2FsdA==,i=4096,x=y"];
    expect(await say(scramOf(PENCIL, "mine"), first)).not.toBe(await say(scramOf(PENCIL, "mine"), extended));
  });

  test("any bytes are refused, and nothing but ProtocolError is thrown", async () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, async (message) => {
        await expect(scramOf(PENCIL, "mine").respond(Buffer.from(message))).rejects.toThrow(ProtocolError);
      }),
    );
  });
});

describe("errors of the server (RFC 5802 §7)", () => {
  test.each([
    ["e=invalid-proof", "SCRAM-SHA-256: invalid-proof", false],
    ["e=unsupported-channel-binding-type", "SCRAM-SHA-256: unsupported-channel-binding-type", true],
    ["e=channel-binding-not-supported", "SCRAM-SHA-256: channel-binding-not-supported", true],
    // Somebody took -PLUS out of the server's offer: that is no reason to try a weaker one.
    ["e=server-does-support-channel-binding", "SCRAM-SHA-256: server-does-support-channel-binding", false],
    ["e=\x1b[2J", "SCRAM-SHA-256: an error that cannot be read", false],
    ["e=", "SCRAM-SHA-256: an error that cannot be read", false],
  ])("%j is acknowledged, and told", async (message, text, mechanism) => {
    for (const before of [[], ["r=mine1,s=c2FsdA==,i=4096"]]) {
      const scram = scramOf(PENCIL, "mine");
      for (const each of before) await say(scram, each);
      expect(await say(scram, message)).toBe("");
      expect(scram.refusal).toEqual({ text, mechanism });
      expect(() => scram.finish(undefined)).toThrow(ProtocolError);
      await expect(say(scram, message)).rejects.toThrow(/more than/);
    }
  });
});

test("a challenge behind the last one is refused", async () => {
  const server = new ScramServer({ hash: "sha256", ...PENCIL });
  const scram = scramOf(PENCIL);
  await say(scram, server.last(await say(scram, server.first(scram.initial.toString()))));
  await expect(say(scram, "")).rejects.toThrow(ProtocolError);
});

test("names are escaped so that they can be read back, and hold no comma", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
      const escaped = escapeName(name);
      expect(escaped).not.toContain(",");
      expect(escaped.replace(/=2C/g, ",").replace(/=3D/g, "=")).toBe(name);
    }),
  );
  expect(() => escapeName("")).toThrow(UsageError);
});
