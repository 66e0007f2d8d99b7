/** How much may be kept: GETQUOTA, GETQUOTAROOT (RFC 9208). Every user has one root, whose name is empty. */
import { wireName } from "../mailbox-name.js";
import { astring, list, no } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command, mailboxOf } from "./command.js";

export const QUOTAS: CommandTable = {
  GETQUOTA: command(
    "authenticated",
    (session, input) => {
      const root = input.blank().astring();
      input.finish();
      if (root !== "") no("No such quota root", "NONEXISTENT");
      tellQuota(session);
    },
    "quota",
  ),
  GETQUOTAROOT: command(
    "authenticated",
    (session, input) => {
      const mailbox = mailboxOf(session, input.blank(), "r");
      input.finish();
      session.untagged(`QUOTAROOT ${astring(wireName(mailbox.name, session.utf8), session.utf8)} ""`);
      tellQuota(session);
    },
    "quota",
  ),
};

function tellQuota(session: Session): void {
  const { quota, usage } = session.tree;
  const resources: string[] = [];
  if (quota.storage !== undefined) resources.push(`STORAGE ${Math.ceil(usage.bytes / 1024)} ${quota.storage}`);
  if (quota.messages !== undefined) resources.push(`MESSAGE ${usage.messages} ${quota.messages}`);
  session.untagged(`QUOTA "" ${list(resources)}`);
}
