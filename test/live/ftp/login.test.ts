/** Logging in to real servers: who is let in, who is not, and what a client may do afterwards. */
import { expect, it } from "vitest";
import { LoginError, ReplyError, UsageError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { KINDS } from "../servers/ftp.js";
import { describeRows, describeServer, errorOf, expectUsable, ROWS } from "./bed.js";

describeRows(ROWS, {}, (bed) => {
  it("connects, logs in, answers and quits", async () => {
    const ftp = bed.client();
    expect((await ftp.connect()).code).toBe("220");
    expect(ftp.state).toBe("connected");
    expect(ftp.secure).toBe(bed.tls !== "none");
    await ftp.login();
    await expectUsable(ftp);
    expect(ftp.secure).toBe(bed.tls !== "none");
    await ftp.quit();
    expect(ftp.state).toBe("closed");
  });

  it("leaves the client usable after a wrong password, which is shown nowhere", async () => {
    const transcript = new Transcript();
    const ftp = bed.client({ transcript });
    await ftp.connect();
    const error = await errorOf(ftp.login({ user: bed.server.user, password: "not the one" }));
    expect(error).toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ code: "530", transient: false, retryable: false, clientUsable: true });
    expect(ftp.state).toBe("connected");
    await ftp.login();
    await expectUsable(ftp);
    const said = transcript.script() + error.message + error.stack;
    expect(said).not.toContain("not the one");
    expect(said).not.toContain(bed.server.password);
  });

  // inetutils lets anonymous in where the machine has a user ftp.
  it.skipIf(bed.kind === "inetutils" || bed.tls !== "none")("is refused without a name", async () => {
    const ftp = bed.client({ credentials: undefined });
    await ftp.connect();
    const error = await errorOf(ftp.login());
    expect(error).toBeInstanceOf(LoginError);
    expect((error as LoginError).code).toMatch(/^53\d$/);
    expect(ftp.state).toBe("connected");
  });

  it.each(["\r\nDELE a", "a\nb", "a\0b"])("sends nothing for the user %j", async (user) => {
    const transcript = new Transcript();
    const ftp = bed.client({ transcript });
    await ftp.connect();
    const before = transcript.lines.length;
    expect(await errorOf(ftp.login({ user, password: "x" }))).toBeInstanceOf(UsageError);
    expect(await errorOf(ftp.login({ user: "x", password: user }))).toBeInstanceOf(UsageError);
    expect(transcript.lines.slice(before).filter(({ text }) => /DELE|PASS/.test(text))).toEqual([]);
    expect(ftp.state).toBe("connected");
  });
});

for (const kind of KINDS.filter((each) => each !== "inetutils")) {
  describeServer(kind, { maxClients: 1 }, `${kind} with one client at most`, (bed) => {
    it("says that the second one may try again later", async () => {
      const first = await bed.ready();
      const second = bed.client();
      const error = (await errorOf(second.connect().then(() => second.login()))) as ReplyError;
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).not.toBeInstanceOf(LoginError);
      expect(error).toMatchObject({ transient: true, retryable: true });
      // ProFTPD refuses at PASS with 530, the others at the greeting.
      expect(error.code).toBe(kind === "proftpd" ? "530" : "421");
      await expectUsable(first);
    });
  });
}
