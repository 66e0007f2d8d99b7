/** What a coordinator and the processes it started say to each other. Types only. */
import type { MoveSide } from "../move/options.js";
import type { PackedBatch } from "./batch.js";
import type { JobHeader, Piece } from "./dispatcher.js";

/** To a process. The first one is `start`: it alone holds credentials. */
export type ToProcess =
  | {
      readonly kind: "start";
      readonly name: string;
      readonly header: JobHeader;
      readonly from: MoveSide;
      readonly to: MoveSide;
    }
  | { readonly kind: "batch"; readonly batch: PackedBatch }
  /** Finish the files under way, give back the others. */
  | { readonly kind: "end" };

/** From a process. */
export type FromProcess = { readonly kind: "piece"; readonly piece: Piece };
