/** Transcripts: no secret is in them, nor in errors, and a scripted server plays them to the same client again. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ScriptedServer } from "../../src/testing/scripted-server.js";
import { type Bed, type Met, QUICK, settling } from "./bed.js";

/** What must be shown nowhere: the password, as it is and as SASL writes it. */
function secretsOf(user: string, password: string): string[] {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return [password, encodeURIComponent(password), base64(password), base64(`\0${user}\0${password}`)];
}

function expectNone(text: string, secrets: readonly string[]): void {
  for (const secret of secrets) expect(text).not.toContain(secret);
}

/** All that can be replayed: greeting, login, requests, a refusal, the goodbye. */
async function use(bed: Bed, { client }: Pick<Met, "client">): Promise<unknown[]> {
  const [refused] = bed.row.refused;
  const told: unknown[] = [];
  const ask = async (command: string) => {
    const { ok, code, text, lines } = await client.request(command, { expect: "any" });
    told.push([ok, code, text, lines]);
  };
  const { code, text } = await client.connect();
  told.push(code, text, [...client.capabilities]);
  await client.login();
  told.push([...client.capabilities]);
  await ask(refused);
  await ask(bed.row.bodiless);
  await client.noop();
  await client.quit();
  return told;
}

export function checkTranscripts(bed: Bed): void {
  const { row } = bed;

  describe("a transcript", () => {
    test.each(["plain", "starttls", "tls"] as const)("has no secret in it, nor has an error: %s", async (security) => {
      const { user, password } = bed.place;
      const wrong = "wr0ng w0rd";
      const shown: string[] = [];
      for (const options of [{}, row.steady]) {
        const { client, transcript, relay, work } = await bed.connected({ security, ...options });
        const [[, refused]] = (await settling([client.login({ user, password: wrong })])) as [[number, Error]];
        await client.login();
        const [[, answer]] = (await settling([client.request(row.refused[0])])) as [[number, Error]];
        await (work[0] as () => Promise<unknown>)();
        relay.cut();
        const [[, lost]] = (await settling([client.noop()])) as [[number, Error]];
        for (const error of [refused, answer, lost]) {
          shown.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), String(error.stack));
        }
        shown.push(inspect(client, { depth: 9, showHidden: true }), JSON.stringify(client));
        shown.push(transcript.script(), JSON.stringify(transcript));
        expect(transcript.lines.filter(({ who }) => who === "C").length).toBeGreaterThan(3);
      }
      expectNone(shown.join("\n"), [...secretsOf(user, password), ...secretsOf(user, wrong)]);
    });

    test.each(["plain", "starttls"] as const)("is a script that a server plays again, %s", async (security) => {
      const met = await bed.meet({ security, ...row.steady });
      const first = await use(bed, met);
      const server = bed.keep(await ScriptedServer.start(met.transcript.script()));
      const { host, port } = server;
      const { user, password, ca } = bed.place;
      const options = { host, port, security, credentials: { user, password }, timeouts: QUICK };
      // The scripted server shows the certificate of the servers in memory, whoever was recorded.
      const again = row.client({ ...options, ...row.steady, tls: { ca, rejectUnauthorized: false } });
      bed.keep(again.client);
      expect(await use(bed, again)).toEqual(first);
      await server.done;
    });
  });
}
