import { setTimeout as sleep } from "node:timers/promises";
import type { Tool } from "../../pipecat/index.ts";
import type { RealtimeCounters } from "./counters.ts";
import { LinkError, RealtimeLink } from "./link.ts";
import type { RealtimeSettings } from "./options.ts";
import type { ServerEvent } from "./server-event.ts";
import { sessionOf } from "./session.ts";

/** So many sessions in a row may fail to open, with these pauses between them, in ms. */
const BACK_OFF_MS = [0, 300, 1_000];

export interface SessionsOptions {
  readonly settings: RealtimeSettings;
  readonly tools: readonly Tool[];
  readonly counters: RealtimeCounters;
  /** Aborted when the call is over. */
  readonly over: AbortSignal;
  /** A session is there. */
  onOpen(link: RealtimeLink): void;
  onEvent(event: ServerEvent): void;
  /** It is gone, or did not come about; `isLast`: no other is tried. */
  onLost(why: LinkError, isLast: boolean): void;
}

/** The sessions of a call with the service: one after the other, until the call is over or none can be had. */
export class Sessions {
  readonly #options: SessionsOptions;
  #link: RealtimeLink | undefined;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** The present one, open or not. */
  get link(): RealtimeLink | undefined {
    return this.#link;
  }

  async run(): Promise<void> {
    const { over, onOpen, onLost } = this.#options;
    for (let attempt = 0; !over.aborted; attempt++) {
      const pauseMs = BACK_OFF_MS[attempt] ?? 0;
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: over }).catch(() => {});
      if (over.aborted) return;
      const link = this.#open();
      let why = await link.ready;
      if (why === undefined) {
        attempt = -1;
        onOpen(link);
        why = await link.lost;
      }
      if (over.aborted) return;
      const isLast = why.isFinal || attempt >= BACK_OFF_MS.length - 1;
      onLost(why, isLast);
      if (isLast) return;
    }
  }

  close(): void {
    this.#link?.fail(new LinkError("the call is over"));
  }

  #open(): RealtimeLink {
    const { settings, tools, counters, onEvent } = this.#options;
    const { apiKey, baseUrl, model, connectTimeoutMs } = settings;
    counters.connections++;
    this.#link = new RealtimeLink({
      url: `${baseUrl.replace(/^http/, "ws").replace(/\/$/, "")}/realtime?model=${encodeURIComponent(model)}`,
      apiKey,
      session: sessionOf(settings, tools),
      connectTimeoutMs,
      counters,
      onEvent,
    });
    return this.#link;
  }
}
