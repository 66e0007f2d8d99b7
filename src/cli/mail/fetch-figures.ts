/** What is shown of a mail job while it goes on. Pure. */
import type { MailProgress } from "../../jobs/index.js";
import { count, counted, duration, size } from "../format.js";
import type { Figures } from "../progress.js";

/** The bar is one of bytes: a few large messages may be most of the work. */
export function mailFigures(progress: MailProgress): Figures {
  const { phase, wanted, wantedBytes, fetched, bytes, deleted, bytesPerSecond, secondsLeft } = progress;
  const parts = [
    `${count(fetched)} of ${counted(wanted, "message")}`,
    `${size(bytes)}`,
    `${size(bytesPerSecond)}/s`,
    ...(deleted > 0 ? [`${count(deleted)} deleted`] : []),
    ...(phase === "connecting" ? ["connecting"] : []),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  ];
  return { done: Math.min(bytes, wantedBytes), total: wantedBytes, doing: phase, parts };
}
