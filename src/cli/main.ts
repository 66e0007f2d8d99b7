#!/usr/bin/env node
/** The `polywire` command. Passwords are hidden from `ps` before anything else is loaded. */
import { hideArguments } from "./hide-arguments.js";

hideArguments();
const { run } = await import("./program.js");
process.exitCode = await run(process.argv);
