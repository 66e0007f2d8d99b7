/** Every command the server knows, by verb. A verb that is not here is answered 500. */
import { ACCESS } from "./access.js";
import type { CommandTable } from "./command.js";
import { CONNECTION } from "./connection.js";
import { DIGEST } from "./digest.js";
import { FACT_COMMANDS } from "./facts.js";
import { LISTING } from "./listing.js";
import { PATHS } from "./paths.js";
import { SETTINGS } from "./settings.js";
import { TRANSFER } from "./transfer.js";

export const COMMANDS: Readonly<CommandTable> = Object.assign(
  Object.create(null) as CommandTable,
  ACCESS,
  SETTINGS,
  PATHS,
  FACT_COMMANDS,
  DIGEST,
  CONNECTION,
  TRANSFER,
  LISTING,
);
