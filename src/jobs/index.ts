/** `polywire/jobs`: bulk moves, headers of newsgroups and what they hold, mail fetched, copied and watched. Exports only. */

export { type CopyMailResult, copyMail } from "./copy/copy.js";
export type { CopyMailOptions } from "./copy/options.js";
export type { CopyProgress } from "./copy/progress.js";
export type { MoveDispatch, ProcessDispatch, RedisDispatch } from "./dispatch/options.js";
export { type RunWorkerOptions, runWorker, type WorkerProgress } from "./dispatch/run-worker.js";
export { type Author, parseAuthor } from "./headers/author.js";
export { type AuthorCount, Counts, type CountsOptions, type CountsResult, type DayCount } from "./headers/counts.js";
export { type DayChartOptions, dayChart } from "./headers/day-chart.js";
export { type FetchResult, fetchArticles, fetchHeaders } from "./headers/fetch.js";
export type { FetchArticlesOptions, FetchHeadersOptions, FetchOptions, NewsServer } from "./headers/options.js";
export { type PartSubject, parsePartSubject } from "./headers/part-subject.js";
export {
  type CollectedParts,
  collectParts,
  type FilePart,
  PartCollector,
  type PostedFile,
  type ToNzbOptions,
  toNzb,
} from "./headers/parts.js";
export type { HeadersProgress } from "./headers/progress.js";
export { type HeaderRecord, type ReadRecordsOptions, readRecords } from "./headers/records.js";
export type { GroupFailure } from "./headers/schedule.js";
export type {
  ArticleBatch,
  ArticleRow,
  ArticleSink,
  HeaderBatch,
  HeaderSink,
  KeptId,
  Sink as RowSink,
  SinkPosition,
} from "./headers/sink.js";
export {
  type ArticleTarget,
  type HeaderTarget,
  kindOf,
  type OutputKind,
  openArticleSink,
  openHeaderSink,
} from "./headers/sinks/open.js";
export { type BaseSubject, type BaseSubjectOptions, baseSubject } from "./headers/subject.js";
export { type FormatThreadsOptions, formatThreads, type ThreadStep, walkThreads } from "./headers/thread-tree.js";
export { type Thread, type ThreadOptions, threads } from "./headers/threads.js";
export {
  type FailureKind,
  type FileState,
  type JobRun,
  type JobSample,
  type JournalFile,
  JournalInUseError,
  type JournalOwner,
  JournalReader,
  type StateCounts,
} from "./journal/journal.js";
export type { MailFailure } from "./mail/failure.js";
export { type FetchMailResult, fetchMail } from "./mail/fetch.js";
export type { FetchMailOptions } from "./mail/options.js";
export { type MailPlace, mailPlaces } from "./mail/places.js";
export type { MailProgress } from "./mail/progress.js";
export type { MailClient, MailServer } from "./mail/source.js";
export type { FetchedMail } from "./mail/stores/function-store.js";
export { type MailFormat, type MailTarget, mailFormatOf } from "./mail/stores/open.js";
export { type NewMail, type WatchEvent, type WatchMailOptions, watchMail } from "./mail/watch.js";
export { isJobFile, loadMoveJob } from "./move/job-file/job-file.js";
export { type CleanTempOptions, cleanTemp, type TempFile } from "./move/look/clean-temp.js";
export { jobOfJournal } from "./move/look/journal-job.js";
export {
  type ClassedFailure,
  type JobPhase,
  type MoveStatus,
  readStatus,
  type TroubledFile,
} from "./move/look/status.js";
export { type VerifiedFile, type VerifyMoveOptions, verifyMove } from "./move/look/verify-job.js";
export { type MoveFailure, type MoveResult, move } from "./move/move.js";
export type { Fields, Match, MatchPattern, MatchSyntax } from "./move/names/match.js";
export { compileMatch } from "./move/names/match.js";
export { compileRoute, type Route, type RoutedFile } from "./move/names/route.js";
export { checkMove, type MoveOptions, type MoveSide, type OnExists, type Verify } from "./move/options.js";
export { type PlannedFile, planMove } from "./move/plan.js";
export type { MoveProgress } from "./move/progress.js";
export { type WrittenReport, writeReport } from "./move/report/report.js";
export type { MoveSummary } from "./move/report/summary.js";
