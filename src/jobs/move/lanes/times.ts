/** The times by which lanes are added, caps are probed and a job that stands still looks again: in one place, in milliseconds. */

export const TIMES = {
  /** Between two looks at how many lanes there are and how many there ought to be. */
  look: 250,
  /** Over which goodput is taken; shorter while the number of lanes still doubles. */
  interval: 5_000,
  doubling: 2_000,
  /** For which the best known number of lanes is kept when one more brought nothing. */
  hold: 60_000,
  /** Between two tries to have one connection more than a server took. */
  cap: 300_000,
  /** Until a job that stands still tries again: at first, and at most. */
  halt: 30_000,
  haltMost: 300_000,
  /** For which a file waits, at most, over which the job stood still. */
  heldMost: 300_000,
  /** For which the connections of a batch are kept for the next one. */
  idle: 20_000,
};
