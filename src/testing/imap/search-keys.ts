/** What SEARCH can ask of a message: a table of its keys (RFC 9051 6.4.4, RFC 5032, RFC 7162 3.1.5, RFC 8474, RFC 8514). */
import { day, dayOf, headerDate } from "./dates.js";
import { decodeHeader, headerText, textOfPart, textParts } from "./decode.js";
import { fieldOf } from "./fields.js";
import type { Input } from "./input.js";
import type { Message } from "./message.js";
import type { ImapFeatures } from "./options.js";
import type { Numbered } from "./picked.js";
import { bad, textOf } from "./reply.js";
import { optionalSet, ranges, within } from "./sequence.js";
import type { Session } from "./session.js";

/** Whether a message is meant. */
export type Matches = (each: Numbered) => boolean;

/** A search, as it was asked for. */
export interface Criteria {
  readonly matches: Matches;
  /** It asks for mod-sequences, so that the answer has one. */
  readonly modseq: boolean;
}

interface Reading {
  readonly session: Session;
  readonly input: Input;
  modseq: boolean;
  /** Messages are named by their numbers. */
  numbers: boolean;
}

type Key = (reading: Reading) => Matches;

const of = (test: (message: Message) => boolean): Matches => {
  return ({ message }) => test(message);
};
const has = (name: string) => of((message) => message.has(name));
const lacks = (name: string) => of((message) => !message.has(name));
const flag = (name: string): Key => {
  return () => has(name);
};
const unflag = (name: string): Key => {
  return () => lacks(name);
};
const words = ({ input }: Reading) => textOf(input.blank().astring()).toLowerCase();
const includes = (text: string, wanted: string) => text.toLowerCase().includes(wanted);

/** All fields of a name. */
function inHeader(name: string, wanted: string): Matches {
  return of(({ content }) => {
    const values = content.part.fields.filter((field) => field.name.toLowerCase() === name);
    return values.some(({ value }) => includes(decodeHeader(value), wanted));
  });
}

function inBody({ content }: Message, wanted: string): boolean {
  for (const part of textParts(content.part)) if (includes(textOfPart(content, part), wanted)) return true;
  return false;
}

function inText(message: Message, wanted: string): boolean {
  const { content } = message;
  return (
    content.part.fields.some(({ name }) =>
      includes(`${name}: ${headerText(content.part, name.toLowerCase())}`, wanted),
    ) || inBody(message, wanted)
  );
}

const header = (name: string): Key => {
  return (reading) => inHeader(name, words(reading));
};

/** A key that compares the day of a message with one. */
const dated = (
  dayOfMessage: (message: Message) => number | undefined,
  compare: (day: number, wanted: number) => boolean,
): Key => {
  return ({ input }) => {
    const wanted = day(input.blank());
    return of((message) => {
      const its = dayOfMessage(message);
      return its !== undefined && compare(its, wanted);
    });
  };
};
const arrived = (message: Message) => dayOf(message.internalDate);
const saved = (message: Message) => dayOf(message.saveDate);
const sent = ({ content }: Message) => headerDate(fieldOf(content.part.fields, "date"))?.day;
const before = (its: number, wanted: number) => its < wanted;
const on = (its: number, wanted: number) => its === wanted;
const since = (its: number, wanted: number) => its >= wanted;

/** Seconds since a message came. */
const aged = (compare: (seconds: number, wanted: number) => boolean): Key => {
  return ({ session, input }) => {
    const wanted = input.blank().number();
    const now = session.shared.options.now().getTime();
    return of((message) => compare((now - message.internalDate.getTime()) / 1000, wanted));
  };
};

const modseq: Key = (reading) => {
  const { session, input } = reading;
  if (!session.selected.mailbox.hasModseq) bad("The mailbox has no mod-sequences");
  input.blank();
  if (input.sees('"')) {
    input.string(); // an entry, which is of no use: flags have one mod-sequence in common (RFC 7162 3.1.5)
    input.blank().word();
    input.blank();
  }
  const least = input.number();
  reading.modseq = true;
  session.state.enabled.add("CONDSTORE");
  return of((message) => message.modseq >= least);
};

/** Every key, with the feature that has it. */
const KEYS: Readonly<Record<string, Key | readonly [Key, keyof ImapFeatures]>> = {
  ALL: () => () => true,
  ANSWERED: flag("\\Answered"),
  DELETED: flag("\\Deleted"),
  DRAFT: flag("\\Draft"),
  FLAGGED: flag("\\Flagged"),
  SEEN: flag("\\Seen"),
  UNANSWERED: unflag("\\Answered"),
  UNDELETED: unflag("\\Deleted"),
  UNDRAFT: unflag("\\Draft"),
  UNFLAGGED: unflag("\\Flagged"),
  UNSEEN: unflag("\\Seen"),
  KEYWORD: ({ input }) => has(input.blank().flag()),
  UNKEYWORD: ({ input }) => lacks(input.blank().flag()),
  NEW: ({ session: { selected } }) => of((message) => selected.isRecent(message) && !message.has("\\Seen")),
  OLD: ({ session: { selected } }) => of((message) => !selected.isRecent(message)),
  RECENT: ({ session: { selected } }) => of((message) => selected.isRecent(message)),
  BCC: header("bcc"),
  CC: header("cc"),
  FROM: header("from"),
  SUBJECT: header("subject"),
  TO: header("to"),
  HEADER: (reading) => {
    const name = reading.input.blank().astring().toLowerCase();
    return inHeader(name, words(reading));
  },
  BODY: (reading) => {
    const wanted = words(reading);
    return of((message) => inBody(message, wanted));
  },
  TEXT: (reading) => {
    const wanted = words(reading);
    return of((message) => inText(message, wanted));
  },
  BEFORE: dated(arrived, before),
  ON: dated(arrived, on),
  SINCE: dated(arrived, since),
  SENTBEFORE: dated(sent, before),
  SENTON: dated(sent, on),
  SENTSINCE: dated(sent, since),
  SAVEDBEFORE: [dated(saved, before), "savedate"],
  SAVEDON: [dated(saved, on), "savedate"],
  SAVEDSINCE: [dated(saved, since), "savedate"],
  SAVEDATESUPPORTED: [() => () => true, "savedate"],
  OLDER: [aged((age, wanted) => age >= wanted), "within"],
  YOUNGER: [aged((age, wanted) => age <= wanted), "within"],
  LARGER: ({ input }) => {
    const size = input.blank().number();
    return of(({ content }) => content.size > size);
  },
  SMALLER: ({ input }) => {
    const size = input.blank().number();
    return of(({ content }) => content.size < size);
  },
  UID: ({ session, input }) => set(session, input.blank(), true) ?? bad("A set of UIDs was due"),
  MODSEQ: [modseq, "condstore"],
  EMAILID: [
    ({ input }) => {
      const id = input.blank().astring();
      return of((message) => message.emailId === id);
    },
    "objectid",
  ],
  THREADID: [
    ({ input }) => {
      input.blank().astring();
      return () => false; // no message has one
    },
    "objectid",
  ],
  FUZZY: [
    (reading) => {
      reading.input.blank();
      return key(reading);
    },
    "fuzzy",
  ],
  NOT: (reading) => {
    reading.input.blank();
    const inner = key(reading);
    return (each) => !inner(each);
  },
  OR: (reading) => {
    reading.input.blank();
    const one = key(reading);
    reading.input.blank();
    const other = key(reading);
    return (each) => one(each) || other(each);
  },
};

/** Reads search keys up to the end of the command: all of them must hold. */
export function criteria(session: Session, input: Input): Criteria {
  const reading: Reading = { session, input, modseq: false, numbers: false };
  const keys = [key(reading)];
  while (!input.ended) {
    input.blank();
    keys.push(key(reading));
  }
  if (reading.numbers) session.usesNumbers();
  return { matches: (each) => keys.every((matches) => matches(each)), modseq: reading.modseq };
}

function key(reading: Reading): Matches {
  const { session, input } = reading;
  if (input.sees("(")) {
    const keys = input.list(() => key(reading), 1);
    return (each) => keys.every((matches) => matches(each));
  }
  const isSaved = input.sees("$");
  const numbers = set(session, input, false);
  if (numbers) {
    reading.numbers ||= !isSaved;
    return numbers;
  }
  const name = input.word();
  const known = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
  const [run, feature] = typeof known === "function" ? [known] : (known ?? []);
  if (!run || (feature && !session.shared.options.features[feature])) return bad(`SEARCH knows no ${name}`);
  return run(reading);
}

/** A set of numbers or UIDs, if one is here. */
function set({ selected, shared }: Session, input: Input, byUid: boolean): Matches | undefined {
  const { features } = shared.options;
  if ((features.searchres || features.imap4rev2) && input.skip("$")) {
    const uids = new Set(selected.saved);
    return of(({ uid }) => uids.has(uid));
  }
  const last = byUid ? (selected.view.at(-1)?.uid ?? 0) : selected.view.length;
  const numbers = optionalSet(input);
  const ordered = numbers && ranges(numbers, last);
  return ordered && (({ number, message }) => within(byUid ? message.uid : number, ordered));
}
