/** Every command the server knows, by verb. A verb that is not here is answered 500. */
import { ACCESS } from "./access.js";
import type { CommandTable } from "./command.js";
import { CONTENT } from "./content.js";
import { ENVELOPE } from "./envelope.js";
import { SETTINGS } from "./settings.js";

export const COMMANDS: Readonly<CommandTable> = Object.assign(
  Object.create(null) as CommandTable,
  SETTINGS,
  ACCESS,
  ENVELOPE,
  CONTENT,
);
