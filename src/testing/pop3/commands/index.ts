/** Every command the server knows, by verb. A verb that is not here is answered `-ERR`. */
import { ACCESS } from "./access.js";
import type { CommandTable } from "./command.js";
import { MESSAGES } from "./messages.js";
import { SETTINGS } from "./settings.js";

export const COMMANDS: Readonly<CommandTable> = Object.assign(
  Object.create(null) as CommandTable,
  SETTINGS,
  ACCESS,
  MESSAGES,
);
