/** `polywire/jobs`: bulk moves. */
export { type FileState, type JournalFile, JournalReader, type StateCounts } from "./journal/journal.js";
export type { Fields, Match, MatchPattern, MatchSyntax } from "./move/match.js";
export { compileMatch } from "./move/match.js";
export { type MoveFailure, type MoveResult, move } from "./move/move.js";
export type { MoveOptions, MoveSide, OnExists } from "./move/options.js";
export { type PlannedFile, planMove } from "./move/plan.js";
export type { MoveProgress } from "./move/progress.js";
export { compileRoute, type Route, type RoutedFile } from "./move/route.js";
