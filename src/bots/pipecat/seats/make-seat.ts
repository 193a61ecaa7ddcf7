import type { Seat } from "../seat.ts";

/** What becomes of a seat; each is called once at most. */
export interface SeatEvents {
  /** Before `released`. */
  failed(): void;
  released(): void;
}

/** A seat that may be failed and released more often than once. */
export function makeSeat(url: string, headers: Seat["headers"], events: SeatEvents): Seat {
  let state: "taken" | "failed" | "released" = "taken";
  return {
    url,
    headers,
    failed() {
      if (state !== "taken") return;
      state = "failed";
      events.failed();
    },
    release() {
      if (state === "released") return;
      state = "released";
      events.released();
    },
  };
}
