import type { Seats } from "../seat.ts";
import { type CommandSeatsOptions, commandSeats } from "./command-seats.ts";
import { type StartSeatsOptions, startSeats } from "./start-seats.ts";
import { type UrlSeatsOptions, urlSeats } from "./url-seats.ts";

/** Where the bots are, of three ways. */
export type SeatsSettings =
  | ({ readonly kind: "url" } & UrlSeatsOptions)
  | ({ readonly kind: "command" } & CommandSeatsOptions)
  | ({ readonly kind: "start" } & StartSeatsOptions);

/** Opens them: checks begin, and processes are started. To be closed. */
export function openSeats(settings: SeatsSettings): Seats {
  switch (settings.kind) {
    case "url":
      return urlSeats(settings);
    case "command":
      return commandSeats(settings);
    case "start":
      return startSeats(settings);
  }
}
