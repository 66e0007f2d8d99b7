/** The dialogue of SASL as a protocol sees it: initial responses, challenges, refusals, and what is hidden. */
import { describe, expect, test } from "vitest";
import { LoginError, ProtocolError, UsageError } from "../../src/client/errors.js";
import { authenticate, type SaslStep } from "../../src/sasl/authenticate.js";
import { failure } from "../net/loopback.js";
import { ALICE, base64, challenge, contextOf, done, refused, ScramServer, scripted, TestWire } from "./dialogue.js";

const PLAIN = base64("\0alice\0s3cret");
const offering = (...offered: string[]) => contextOf({ offered });

/** A server of SCRAM at the end of a wire; where the signature goes is up to the protocol. */
function scramWire(how: { inReply: boolean; password?: string }): TestWire {
  const server = new ScramServer({ hash: "sha256", ...ALICE, ...(how.password ? { password: how.password } : {}) });
  const text = (line: string) => Buffer.from(line, "base64").toString();
  let turn = 0;
  let proved = false;
  return new TestWire((line) => {
    turn++;
    if (turn === 1) return challenge(base64(server.first(text(line.split(" ")[2] as string))));
    if (turn > 2) return line === "" && proved ? done() : refused(false);
    const last = server.last(text(line));
    proved = last.startsWith("v=");
    if (!proved) return how.inReply ? refused(false) : challenge(base64(last));
    return how.inReply ? done(base64(last)) : challenge(base64(last));
  });
}

describe("the initial response", () => {
  test("goes along where it fits", async () => {
    const wire = scripted(done());
    expect(await authenticate(wire, offering("PLAIN"))).toBe("PLAIN");
    expect(wire.said).toEqual([`AUTH PLAIN ${PLAIN}`]);
  });

  test.each([PLAIN.length - 1, 0])("goes behind an empty challenge where it does not (%i characters)", async (most) => {
    const wire = new TestWire((line) => (line === PLAIN ? done() : challenge("")), most);
    await authenticate(wire, offering("PLAIN"));
    expect(wire.said).toEqual(["AUTH PLAIN", PLAIN]);
  });

  test("is = where it is empty, and an empty line where it comes later", async () => {
    const context = contextOf({ offered: ["EXTERNAL"], credentials: {}, clientCertificate: true });
    const along = scripted(done());
    await authenticate(along, context);
    expect(along.said).toEqual(["AUTH EXTERNAL ="]);
    const later = new TestWire((line) => (line === "" ? done() : challenge("=")), 0);
    await authenticate(later, context);
    expect(later.said).toEqual(["AUTH EXTERNAL", ""]);
  });

  test("is not sent where the server speaks first", async () => {
    const wire = scripted(challenge(base64("<1@x>")), done());
    await authenticate(wire, offering("CRAM-MD5"));
    expect(wire.said[0]).toBe("AUTH CRAM-MD5");
    expect(Buffer.from(wire.said[1] as string, "base64").toString()).toMatch(/^alice [0-9a-f]{32}$/);
  });
});

describe("SCRAM", () => {
  test.each([true, false])("with the signature in the last reply: %s", async (inReply) => {
    const wire = scramWire({ inReply });
    expect(await authenticate(wire, offering("PLAIN", "SCRAM-SHA-256"))).toBe("SCRAM-SHA-256");
    expect(wire.said.length).toBe(inReply ? 2 : 3);
    expect(wire.said.join()).not.toContain(base64(ALICE.password));
  });

  test("a refused password is not tried by another mechanism; the server's reason is told", async () => {
    for (const inReply of [true, false]) {
      const wire = scramWire({ inReply, password: "other" });
      const error = await failure(authenticate(wire, offering("PLAIN", "SCRAM-SHA-256")));
      expect(error).toBeInstanceOf(LoginError);
      if (!inReply) expect(error.message).toMatch(/\(SCRAM-SHA-256: invalid-proof\)$/);
      expect(wire.said.filter((line) => line.startsWith("AUTH"))).toHaveLength(1);
    }
  });

  test("a server that agrees without a proof is not believed", async () => {
    const wire = scripted(done());
    expect(await failure(authenticate(wire, offering("SCRAM-SHA-256", "PLAIN")))).toBeInstanceOf(ProtocolError);
    expect(wire.said).toHaveLength(1);
  });
});

describe("the next mechanism", () => {
  test("is tried where the server refuses the mechanism", async () => {
    const wire = new TestWire((line) => (line.startsWith("AUTH PLAIN") ? done() : refused(true)));
    expect(await authenticate(wire, offering("PLAIN", "SCRAM-SHA-1", "CRAM-MD5"))).toBe("PLAIN");
    expect(wire.said.map((line) => line.split(" ")[1])).toEqual(["SCRAM-SHA-1", "CRAM-MD5", "PLAIN"]);
  });

  test("is not tried where it refuses the password", async () => {
    const wire = scripted(refused(false), done());
    expect(await failure(authenticate(wire, offering("PLAIN", "LOGIN")))).toBeInstanceOf(LoginError);
    expect(wire.said).toHaveLength(1);
  });

  test("where there is none left, the last refusal is the error", async () => {
    const steps = [refused(true, "501"), refused(true, "502")];
    expect(await failure(authenticate(scripted(...steps), offering("PLAIN", "LOGIN")))).toMatchObject({ code: "502" });
  });

  test("is SCRAM without TLS where the server cannot be tied to this one", async () => {
    const binding = { type: "tls-exporter", data: Buffer.from("x") } as const;
    const offered = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"];
    const error = base64("e=unsupported-channel-binding-type");
    const wire = scripted(challenge(error), refused(false), refused(false, "481"));
    const last = await failure(authenticate(wire, contextOf({ offered, binding })));
    expect(last).toMatchObject({ code: "481" });
    expect(wire.said[2]).toMatch(/^AUTH SCRAM-SHA-256 /);
  });

  test("is SCRAM without TLS where libsasl2 does not know the type of binding; only then, and only if it is listed", async () => {
    const binding = { type: "tls-exporter", data: Buffer.from("x") } as const;
    const names = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"];
    const unbound = () => refused(false, "482", "bad protocol / cancel");
    const tried = async (steps: SaslStep[], offered = names, mechanisms?: string[]) => {
      const wire = scripted(...steps);
      await failure(authenticate(wire, contextOf({ offered, mechanisms, binding })));
      return wire.said.map((line) => line.split(" ")[1]);
    };
    expect(await tried([unbound(), unbound()])).toEqual(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
    expect(await tried([unbound()], names.slice(1))).toEqual(["SCRAM-SHA-256"]);
    expect(await tried([refused(false, "481", "authentication failure")])).toEqual(["SCRAM-SHA-256-PLUS"]);
    expect(await tried([unbound()], names, ["SCRAM-SHA-256-PLUS"])).toEqual(["SCRAM-SHA-256-PLUS"]);
  });

  test("is not tried with the same token", async () => {
    const credentials = { user: "a", token: "ya29.x" };
    const wire = scripted(challenge(base64('{"status":"invalid_token"}')), refused(false), done());
    const error = await failure(authenticate(wire, contextOf({ offered: ["OAUTHBEARER", "XOAUTH2"], credentials })));
    expect(error.message).toBe("the login was refused (OAUTHBEARER: invalid_token)");
    expect(wire.said[1]).toBe("AQ==");
  });
});

test("XOAUTH2's error is answered by an empty line", async () => {
  const wire = scripted(challenge(base64('{"status":"401"}')), refused(false));
  const context = contextOf({ offered: ["XOAUTH2"], credentials: { user: "a", token: "t" } });
  expect(await failure(authenticate(wire, context))).toBeInstanceOf(LoginError);
  expect(wire.said[1]).toBe("");
});

describe("challenges that are none", () => {
  const HOSTILE: [string, string][] = [
    ["no base64", "Password:"],
    ["base64 with a hole", "YWJj ZGVm"],
    ["base64 that is cut", "YWJjZ"],
    ["base64 with too much filling", "YQ==="],
    ["base64 of another alphabet", "_-_-"],
    ["NUL", "\0"],
    ["huge", "A".repeat(1_000_000)],
  ];
  test.each(HOSTILE)("%s: nothing more is said than *, and nothing else is tried", async (_what, data) => {
    for (const name of ["CRAM-MD5", "LOGIN", "SCRAM-SHA-256"]) {
      const wire = scripted(challenge(data), done());
      expect(await failure(authenticate(wire, offering(name, "PLAIN")))).toBeInstanceOf(ProtocolError);
      expect(wire.said.slice(1)).toEqual(["*"]);
    }
  });

  test.each(HOSTILE)("%s, behind a success", async (_what, data) => {
    const wire = scripted(done(data));
    expect(await failure(authenticate(wire, offering("PLAIN")))).toBeInstanceOf(ProtocolError);
  });

  test("a server that never has enough", async () => {
    for (const name of ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1"]) {
      const wire = new TestWire(() => challenge(base64("r=x")));
      expect(await failure(authenticate(wire, offering(name)))).toBeInstanceOf(ProtocolError);
      expect(wire.said.length).toBeLessThan(6);
    }
  });

  test("a cancel that fails does not hide the reason", async () => {
    const wire = new TestWire((line): SaslStep => {
      if (line === "*") throw new Error("gone");
      return challenge("?");
    });
    expect(await failure(authenticate(wire, offering("PLAIN")))).toBeInstanceOf(ProtocolError);
  });
});

describe("secrets", () => {
  test("password, token and every response are told to the wire before they are sent", async () => {
    const credentials = { ...ALICE, token: async () => "t0ken" };
    const told: number[] = [];
    const wire: TestWire = new TestWire((line) => {
      const sent = line.split(" ").at(-1) as string;
      told.push(wire.hidden.indexOf(sent));
      return line.startsWith("AUTH OAUTHBEARER") ? refused(true) : done();
    });
    await authenticate(wire, contextOf({ offered: ["OAUTHBEARER", "PLAIN"], credentials }));
    expect(wire.hidden).toEqual(expect.arrayContaining(["s3cret", "t0ken", PLAIN]));
    expect(Math.min(...told)).toBeGreaterThan(-1);
  });

  test("are in no error", async () => {
    const credentials = { user: "alice", password: "s3cret\0", token: "t0 ken" };
    for (const offered of [["PLAIN"], ["XOAUTH2"]]) {
      const context = contextOf({
        offered,
        credentials: offered[0] === "PLAIN" ? credentials : { ...ALICE, token: "t0 ken" },
      });
      const error = await failure(authenticate(scripted(done()), context));
      expect(error).toBeInstanceOf(UsageError);
      expect(`${error.message}${error.stack}`).not.toMatch(/s3cret|t0 ken/);
    }
  });
});

test("nothing is said where there is no mechanism", async () => {
  const wire = scripted();
  expect(await failure(authenticate(wire, offering("GSSAPI")))).toBeInstanceOf(UsageError);
  expect(wire.said).toEqual([]);
});
