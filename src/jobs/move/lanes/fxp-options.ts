/** What a move does with FXP, and what does not go together with it. */
import { UsageError } from "../../../client/errors.js";
import type { BigOptions } from "./big-options.js";
import type { Verify } from "./verify.js";

/** The option of a move about files that do not pass through here. */
export interface FxpOption {
  /**
   * Have the two FTP servers send each other files of more than 64 KiB (FXP), so that their bytes do not pass through here.
   * Smaller ones do: in packs they are faster. Both servers must allow it, and see each other; which of them listens is
   * found out with the first file. Where it does not work, a warning says why, once, and all files pass through here. Data
   * connections that are encrypted stay so: one server must announce SSCN or CPSV, or it does not work.
   *
   * `verify: "hash"` compares what both servers compute, and needs a digest that both have, or it does not work;
   * `"readback"` and `maxBytesPerSecond` are about bytes that pass through here, and refused. A file that was under way when
   * something died is sent again from its beginning (no `resumeAbove`, no `segmentAbove`), by a later run without this option,
   * too: a server may still be writing it. Progress counts a file's bytes when it is over. Default: false.
   */
  fxp?: boolean | undefined;
}

/** What else is asked of the move. */
interface Others extends FxpOption, Pick<BigOptions, "resumeAbove" | "segmentAbove"> {
  readonly maxBytesPerSecond?: number | undefined;
}

/** Whether servers are to send each other files. Throws UsageError for what cannot be. */
export function resolveFxp(options: Others, verify: Verify, areRemote: boolean): boolean {
  if (!options.fxp) return false;
  const refuse = (why: string, advice?: string) => {
    throw new UsageError(`fxp: true ${why}`, advice === undefined ? {} : { advice });
  };
  if (!areRemote) refuse("is for two FTP servers", "leave it out where one side is a local folder");
  if (options.maxBytesPerSecond !== undefined)
    refuse("and maxBytesPerSecond contradict each other: what does not pass through here is not held back");
  if (verify === "readback")
    refuse(
      'and verify: "readback" contradict each other: nobody here sees the bytes',
      'verify: "hash" has both servers compute a digest',
    );
  for (const name of ["resumeAbove", "segmentAbove"] as const)
    if (options[name]) refuse(`and ${name} contradict each other: such a file is sent whole, in one piece`);
  return true;
}
