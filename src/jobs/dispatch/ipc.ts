/** What a coordinator and the processes it started say to each other. Types only. */
import type { MoveSide } from "../move/options.js";
import type { PackedBatch } from "./batch.js";
import type { JobHeader, Piece } from "./dispatcher.js";
import type { LoginQuestion } from "./shared-logins.js";

/** To a process. The first one is `start`: it alone holds credentials. */
export type ToProcess =
  | {
      readonly kind: "start";
      readonly name: string;
      readonly header: JobHeader;
      readonly from: MoveSide;
      readonly to: MoveSide;
      /** True where it is to ask before it connects. */
      readonly asks: boolean;
    }
  | { readonly kind: "batch"; readonly batch: PackedBatch }
  /** It may connect now, as it has asked. */
  | { readonly kind: "login"; readonly id: number }
  /** Finish the files under way, give back the others. */
  | { readonly kind: "end" };

/** From a process. */
export type FromProcess = { readonly kind: "piece"; readonly piece: Piece } | LoginQuestion;
