import type { WebhookFact } from "./listener.ts";
import type { UpgradeFacts } from "./probe-stream.ts";
import type { StreamFacts } from "./stream-facts.ts";

/** How a stream ended. Moments are those of the call; null where it did not happen in time. */
export interface StreamEnd {
  readonly stopMs: number | null;
  /** Wavix closed it, not we. */
  readonly closedMs: number | null;
  readonly code: number | null;
}

/** Audio that was sent at once, and when the mark behind it came back; null for never. */
export interface Played {
  readonly audioMs: number;
  readonly echoMs: number | null;
}

/** All that was seen of a call. What is absent was not tried, or could not be seen. */
export interface Observations {
  webhooks: readonly WebhookFact[];
  /** When the answer was asked for; of a trace, when it was there. */
  answeredAtMs?: number;
  /** The call was let ring for so long that all came which comes before. */
  rang?: true;
  /** The account's own webhook for calls, beside the number's. */
  accountWebhook?: "none" | "ours" | "another";
  /** The event that was replied to with 503, to see whether it comes again. */
  refusedEvent?: string;
  upgrade?: UpgradeFacts;
  /** The reply to `/answer` came when the socket was open, not before. */
  replyAfterSocket?: boolean;
  media?: StreamFacts;
  oneWayBoth?: StreamFacts;

  unknownCall?: { readonly status: number | null; readonly text: string };
  unknownCallOnStreams?: number | null;
  unknownStreamOnDelete?: number | null;
  streamBeforeAnswer?: number | null;
  answerTwice?: number | null;
  /** What the second stream did to the first. */
  secondTwoWay?: { readonly status: number | null; readonly firstEnded: boolean };
  /** Of six one-way streams. */
  oneWayStatuses?: readonly (number | null)[];
  deletedStream?: StreamEnd;

  /** Echo of a mark where nothing is queued: the quickest of three. Null: none came. */
  emptyMarkMs?: number | null;
  second?: Played;
  offSize?: Played;
  oddBytes?: Played;
  burst?: Played;
  clear?: { readonly sent: readonly string[]; readonly order: readonly string[]; readonly afterMs: number | null };

  /** We closed the socket: whether the call was up after that. */
  serverClose?: { readonly callUp: boolean | null; readonly reopened: number | null };
  /** Of the call: how its last stream ended, and when its last webhook came. */
  end?: StreamEnd & { readonly webhookMs: number | null };
  callAfterEnd?: number | null;
  /** Why the script did not come to its end. */
  cutShort?: string;
}
