/** What server is it? A guess from what it says of itself, and what is known of that software. Pure. */

/** A server's software. */
export interface Software {
  readonly name: string;
  /** Where it tells one. */
  readonly version?: string;
  /** What one should know of it. */
  readonly known: readonly string[];
}

interface Row {
  readonly pattern: RegExp;
  readonly name: string;
  readonly known?: readonly string[];
}

/** Servers of mail and news: patterns over greeting and capabilities (IMPLEMENTATION). */
const MAIL_AND_NEWS: readonly Row[] = [
  { pattern: /dovecot/i, name: "Dovecot" },
  { pattern: /cyrus(?: \w+)? v?([\d.]+\d)?/i, name: "Cyrus" },
  { pattern: /postfix/i, name: "Postfix" },
  { pattern: /exim ([\d.]+\d)?/i, name: "Exim" },
  { pattern: /sendmail ([\d.]+\d)?/i, name: "Sendmail" },
  { pattern: /opensmtpd/i, name: "OpenSMTPD" },
  { pattern: /microsoft (?:exchange|esmtp)/i, name: "Microsoft Exchange" },
  { pattern: /courier/i, name: "Courier" },
  { pattern: /\bgsmtp\b|g(?:pop|imap) ready/i, name: "Gmail" },
  { pattern: /\binn2? ?([\d.]+\d)?|InterNetNews/i, name: "INN" },
  { pattern: /polywire test server|polywire.testing/i, name: "polywire/testing" },
];

/** Patterns over greeting, SYST and FEAT; the version is the group of the pattern. */
const FILES: readonly Row[] = [
  {
    pattern: /vsftpd\)?[ /-]*v?([\d.]+\d)?/i,
    name: "vsftpd",
    known: [
      "it may insist that data connections resume the TLS session (require_ssl_reuse): polywire does",
      "it has no MLSD: LIST times are in the server's time zone; MDTM reads and sets them in UTC",
    ],
  },
  {
    pattern: /pure-?ftpd/i,
    name: "Pure-FTPd",
    known: [
      "it lists at most 10,000 entries of a folder unless LimitRecursion says more: a move lists again until all are gone",
    ],
  },
  {
    pattern: /proftpd[ /]*v?([\d.]+\d\w*)?/i,
    name: "ProFTPD",
    known: [
      "it answers a command sent during a transfer early, with 450: polywire stays silent then",
      "its ListOptions may cut listings short (maxfiles): a move lists again until all are gone",
    ],
  },
  {
    pattern: /filezilla server[ a-z]*v?([\d.]+\d)?/i,
    name: "FileZilla Server",
    known: ["it requires that data connections resume the TLS session: polywire does"],
  },
  {
    pattern: /microsoft ftp service|windows_nt/i,
    name: "Microsoft IIS",
    known: ["its listings may be in DOS style, times without a zone and folders without a size"],
  },
  { pattern: /pyftpdlib ?([\d.]+\d)?/i, name: "pyftpdlib" },
  { pattern: /serv-u(?: ftp)?(?: server)? ?v?([\d.]+\d)?/i, name: "Serv-U" },
  { pattern: /crushftp/i, name: "CrushFTP" },
  { pattern: /wing ftp server ?v?([\d.]+\d)?/i, name: "Wing FTP Server" },
  { pattern: /xlight/i, name: "Xlight" },
  { pattern: /titan ftp/i, name: "Titan FTP" },
  { pattern: /globalscape|eft server/i, name: "Globalscape EFT" },
  { pattern: /wu-([\d.]+\d)/i, name: "WU-FTPD", known: ["it is no longer maintained"] },
  { pattern: /bftpd ?([\d.]+\d)?/i, name: "bftpd" },
  {
    pattern: /gnu inetutils(?: ([\d.]+\d))?/i,
    name: "GNU inetutils",
    known: ["it has no TLS and no MLSD"],
  },
  { pattern: /rebex/i, name: "Rebex" },
  { pattern: /apache ftpserver|mina/i, name: "Apache FtpServer" },
  {
    pattern: /z\/os|mvs/i,
    name: "z/OS",
    known: ["its names are data sets: give paths in quotes, and mind the record formats"],
  },
  { pattern: /os\/400/i, name: "IBM i", known: ['use SITE NAMEFMT 1 for paths with "/"'] },
  { pattern: /openvms|multinet/i, name: "OpenVMS", known: ["its names carry versions: a.txt;3"] },
  { pattern: /polywire test server/i, name: "polywire/testing" },
];

/** Looks through what the server said, in order: greeting, system, features. */
export function guessSoftware(protocol: string, ...said: readonly (string | undefined)[]): Software | undefined {
  const rows = protocol === "ftp" ? FILES : MAIL_AND_NEWS;
  for (const text of said) {
    if (text === undefined) continue;
    for (const { pattern, name, known = [] } of rows) {
      const match = pattern.exec(text);
      if (match) return { name, ...(match[1] === undefined ? {} : { version: match[1] }), known };
    }
  }
  return undefined;
}
