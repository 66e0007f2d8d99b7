/** What is shown of a move while it goes on. Pure. */
import type { MoveProgress } from "../../jobs/index.js";
import { count, counted, duration, size } from "../format.js";
import type { Figures } from "../progress.js";

export function moveFigures(progress: MoveProgress): Figures {
  const { phase, files, settled, failed, bytes, filesPerSecond, bytesPerSecond, secondsLeft, lanes, paused } = progress;
  const parts = [
    `${count(settled)} of ${count(files)}${phase === "listing" ? " or more" : ""} files`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    size(bytes),
    `${count(filesPerSecond)} files/s`,
    `${size(bytesPerSecond)}/s`,
    ...(lanes > 0 ? [counted(lanes, "lane")] : []),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  ];
  return { done: settled, total: files, doing: paused === undefined ? phase : `paused (${paused})`, parts };
}
