/** What is shown of a headers job while it goes on. Pure. */
import type { HeadersProgress } from "../../jobs/index.js";
import { count, duration } from "../format.js";
import type { Figures } from "../progress.js";

/** Of one group its numbers are counted; of several, the groups: how large the next one is, nobody knows yet. */
export function headersFigures(progress: HeadersProgress): Figures {
  const { phase, groups, groupsDone, wanted, answered, rows, rowsPerSecond, secondsLeft, connections } = progress;
  const [done, total, of] = groups > 1 ? [groupsDone, groups, "groups"] : [answered, wanted, "numbers"];
  const parts = [
    `${count(done)} of ${count(total)} ${of}`,
    `${count(rows)} fetched`,
    `${count(rowsPerSecond)}/s`,
    ...(phase === "fetching" && connections === 0 ? ["connecting"] : []),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  ];
  return { done, total, doing: phase, parts };
}
