/** Every command the server knows, by name. A name that is not here is answered BAD. */
import { ACCESS } from "./access.js";
import { ACLS } from "./acl.js";
import { APPENDING } from "./append.js";
import type { CommandTable } from "./command.js";
import { COPYING } from "./copy.js";
import { FETCHING } from "./fetch.js";
import { LISTING } from "./list.js";
import { MAILBOXES } from "./mailboxes.js";
import { METADATA } from "./metadata.js";
import { NOTIFICATION } from "./notify.js";
import { QUOTAS } from "./quota.js";
import { SEARCHING } from "./search.js";
import { SELECTION } from "./select.js";
import { SETTINGS } from "./settings.js";
import { STORING } from "./store.js";

export const COMMANDS: Readonly<CommandTable> = Object.assign(
  Object.create(null) as CommandTable,
  SETTINGS,
  ACCESS,
  MAILBOXES,
  LISTING,
  SELECTION,
  FETCHING,
  SEARCHING,
  STORING,
  COPYING,
  APPENDING,
  QUOTAS,
  ACLS,
  METADATA,
  NOTIFICATION,
);
