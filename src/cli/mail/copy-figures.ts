/** What is shown of a copy of mail while it goes on. Pure. */
import type { CopyProgress } from "../../jobs/index.js";
import { count, counted, duration, size } from "../format.js";
import type { Figures } from "../progress.js";

/** The bar is one of bytes: a few large messages may be most of the work. */
export function copyFigures(progress: CopyProgress): Figures {
  const { phase, wanted, wantedBytes, copied, bytes, bytesPerSecond, secondsLeft } = progress;
  const parts = [
    `${count(copied)} of ${counted(wanted, "message")}`,
    `${size(bytes)}`,
    `${size(bytesPerSecond)}/s`,
    ...(phase === "copying" || phase === "done" ? [] : [phase]),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  ];
  return { done: Math.min(bytes, wantedBytes), total: wantedBytes, doing: phase, parts };
}
