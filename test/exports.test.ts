/** What the package exports, held by a list: a name that comes or goes is a decision. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const EXPORTS: Record<string, string> = {
  index: `AbortedError Client ConnectionError FtpClient ListParser LoginError MlsdParser NameParser PolywireError Pool
    ProtocolError ReplyError Rows STEPS SinkError TimeoutError TlsError Transcript UsageError clientFor decodeName
    displayName encodeName env firstOf isPlainName netrc open parseMlsdLine parseUrl redactUrl secret`,
  "ftp/index": "FtpClient ListParser MlsdParser NameParser decodeName displayName encodeName isPlainName parseMlsdLine",
  "jobs/index": "JournalReader compileMatch compileRoute move planMove",
  "testing/index": "FtpServer FtpTree ScriptError ScriptMismatch ScriptedServer parseScript testTls utf8Name",
  "wire/index": `CodeGrammar DOT_END DotReader DotWriter FTP_REPLIES NNTP_REPLIES ReplyStream SMTP_REPLIES StatusGrammar
    decodeText encodeLine encodeText`,
  "net/index": "LineSession detach dial explain openSink openSource secure startTls",
};

test.each(Object.entries(EXPORTS))("%s exports what the list says", async (file, names) => {
  const module = (await import(`../src/${file}.js`)) as object;
  expect(Object.keys(module).sort()).toEqual(names.split(/\s+/).sort());
});

test("every entry of the package has a module of that name", () => {
  const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const entries = Object.keys(exports)
    .filter((entry) => entry !== "./package.json")
    .map((entry) => (entry === "." ? "index" : `${entry.slice(2)}/index`));
  expect(entries.sort()).toEqual(Object.keys(EXPORTS).sort());
});
