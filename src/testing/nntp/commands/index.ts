/** Every command the server knows, by verb. A verb that is not here is answered 500. */
import { ACCESS } from "./access.js";
import { ARTICLES } from "./articles.js";
import type { CommandTable } from "./command.js";
import { COMPRESSION } from "./compression.js";
import { GROUPS } from "./groups.js";
import { LIST_COMMANDS } from "./lists.js";
import { OVERVIEWS } from "./overviews.js";
import { POSTING } from "./posting.js";
import { SETTINGS } from "./settings.js";

export const COMMANDS: Readonly<CommandTable> = Object.assign(
  Object.create(null) as CommandTable,
  SETTINGS,
  ACCESS,
  COMPRESSION,
  GROUPS,
  ARTICLES,
  OVERVIEWS,
  LIST_COMMANDS,
  POSTING,
);
