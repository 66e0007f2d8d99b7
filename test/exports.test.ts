/** What the package exports, held by a list: a name that comes or goes is a decision. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as ftp from "../src/ftp/index.js";
import * as imap from "../src/imap/index.js";
import * as index from "../src/index.js";
import * as jobs from "../src/jobs/index.js";
import * as message from "../src/message/index.js";
import * as net from "../src/net/index.js";
import * as nntp from "../src/nntp/index.js";
import * as pop3 from "../src/pop3/index.js";
import * as sasl from "../src/sasl/index.js";
import * as smtp from "../src/smtp/index.js";
import * as testing from "../src/testing/index.js";
import * as wire from "../src/wire/index.js";

const MODULES: Record<string, object> = { index, ftp, nntp, pop3, smtp, imap, message, jobs, testing, wire, net, sasl };

const EXPORTS: Record<string, string> = {
  index: `AbortedError Client ConnectionError FetchData FtpClient FxpError FxpPair ImapClient ImapResponse ListParser LoginError Mailbox MlsdParser NameParser
    NntpClient OverParser Overview PolywireError Pool Pop3Client ProtocolError ReplyError Rows STEPS SendError SequenceSet SinkError SmtpClient
    TimeoutError TlsError Transcript TransportError UsageError clientFor decodeName displayName encodeName env firstOf isPlainName netrc open parseMlsdLine parseUrl polywireTransport
    redactUrl secret`,
  ftp: "FtpClient FxpError FxpPair ListParser MlsdParser NameParser decodeName displayName encodeName isPlainName parseMlsdLine",
  nntp: "NntpClient OverParser Overview",
  pop3: "Pop3Client",
  smtp: "SendError SmtpClient TransportError polywireTransport",
  imap: "FetchData ImapClient ImapResponse Mailbox SequenceSet",
  message: `Headers Maildir MessageSummary YencDecoder checkAddresses completeArticle composeArticle composeMail decodeBytes decodeWords decodeYenc
    encodeMbox encodeYenc extensionOf formatDate formatNzb isResent joinYenc mboxPieces mimeTypeOf parseAddresses parseDate parseHeaders parseMaildirName
    parseMessage parseNzb parseParameters readMbox recipientsOf senderOf yencParts`,
  jobs: `Counts JournalInUseError JournalReader PartCollector baseSubject checkMove cleanTemp collectParts compileMatch
    compileRoute copyMail dayChart fetchArticles fetchHeaders fetchMail formatThreads isJobFile jobOfJournal kindOf loadMoveJob
    mailFormatOf mailPlaces move openArticleSink openHeaderSink parseAuthor parsePartSubject planMove readRecords
    readStatus runWorker threads toNzb verifyMove walkThreads watchMail writeReport`,
  testing:
    "FtpServer FtpTree ImapMailbox ImapMailboxes ImapServer NntpGroup NntpGroups NntpServer Pop3Maildrop Pop3Server ScriptError ScriptMismatch ScriptedServer SmtpServer parseScript testTls utf8Name",
  wire: `CodeGrammar DOT_END DotReader DotWriter FTP_REPLIES NNTP_REPLIES ReplyStream SMTP_REPLIES StatusGrammar
    decodeText encodeLine encodeText`,
  net: "LineSession channelBinding detach dial explain openSink openSource secure startTls",
  sasl: "MECHANISM_NAMES authenticate chooseMechanisms saslprep",
};

test.each(Object.entries(EXPORTS))("%s exports what the list says", (entry, names) => {
  expect(Object.keys(MODULES[entry] as object).sort()).toEqual(names.split(/\s+/).sort());
});

test("every entry of the package has a module of that name", () => {
  const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const entries = Object.keys(exports)
    .filter((entry) => entry !== "./package.json")
    .map((entry) => (entry === "." ? "index" : entry.slice(2)));
  expect(entries.sort()).toEqual(Object.keys(EXPORTS).sort());
});
