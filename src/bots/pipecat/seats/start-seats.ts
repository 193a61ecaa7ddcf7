import { z } from "zod";
import type { CallFacts } from "../../../call/index.ts";
import { BotError } from "../errors.ts";
import type { Seat, Seats } from "../seat.ts";
import { bearer, callBody, type Reach, withBody } from "./call-body.ts";
import { makeSeat } from "./make-seat.ts";

/** Its answers have some 300 bytes, and at most 6 KB more when they hold the body. */
const MAX_ANSWER_BYTES = 32 * 1_024;

/** What is asked of Pipecat Cloud's start API, or of another server that speaks as it does. */
export interface StartSeatsOptions extends Reach {
  /** `https://api.pipecat.daily.co/v1/public/{agent}/start`; a development runner's `http://localhost:7860/start`. */
  readonly startUrl: string;
  /** Calls at once; default any number. */
  readonly capacity?: number | undefined;
}

/** Pipecat Cloud, OpenAPI StartResponse; a development runner writes null where it has nothing. */
const startAnswer = z.object({
  wsUrl: z.url({ protocol: /^wss?$/ }),
  token: z
    .string()
    .regex(/^[!-~]+$/)
    .nullish(),
  body: z.string().nullish(),
});

/**
 * Bots that are asked for, call by call, with Pipecat Cloud's start API. Its answer says where the socket is opened, and
 * with which token (`Authorization: Bearer`, good once and for five minutes).
 *
 * The call's facts go into the body, which Pipecat Cloud takes from agents with `websocket_auth = "token"` only (400 from
 * others). A development runner hands no body on; it is to listen on `localhost`: with any other host it names a `wss:`
 * URL that it does not serve.
 *
 * Source: docs.pipecat.ai, "Pipecat Cloud WebSocket Authentication", and the OpenAPI description of the start API.
 *
 * @example
 * const seats = startSeats({ startUrl: "https://api.pipecat.daily.co/v1/public/my-agent/start", key: "pk_…" });
 */
export function startSeats(options: StartSeatsOptions): Seats {
  const { startUrl, key, body = {}, capacity = Number.POSITIVE_INFINITY } = options;
  const headers = { ...bearer(key), accept: "application/json", "content-type": "application/json" };
  const counters = { sessions_started: 0 };
  let calls = 0;
  let closed = false;

  /** @throws BotError */
  async function start(facts: CallFacts, signal: AbortSignal): Promise<Pick<Seat, "url" | "headers">> {
    const request = JSON.stringify({ transport: "websocket", body: callBody(body, facts) });
    const { host } = new URL(startUrl);
    const unreachable = (why: string, cause?: unknown) =>
      new BotError("BOT_UNREACHABLE", `no bot could be started at ${host}: ${why}`, { cause });
    const response = await fetch(startUrl, {
      method: "POST",
      headers,
      body: request,
      redirect: "manual",
      signal,
    }).catch((cause) => {
      throw unreachable("it cannot be connected to", cause);
    });
    if (!response.ok) {
      await response.body?.cancel();
      const { status } = response;
      if (status === 429) throw new BotError("NO_BOT_FREE", `no bot is free at ${host} (429)`);
      if (status >= 500) throw unreachable(`it answered ${status}`);
      throw new BotError(
        "BOT_REFUSED",
        `${host} started no bot (${status}): check the start URL, the key and the body`,
      );
    }
    const text = await readText(response).catch((cause) => {
      throw unreachable("its answer broke off", cause);
    });
    const answer = startAnswer.safeParse(parseJson(text));
    if (!answer.success) throw new BotError("BOT_REFUSED", `${host} answered without a wsUrl: check the start URL`);
    const { wsUrl, token, body: encoded } = answer.data;
    return { url: encoded ? withBody(wsUrl, encoded) : wsUrl, headers: bearer(token) };
  }

  return {
    counters,
    async *offer(facts, signal) {
      if (signal.aborted || closed) return;
      if (calls >= capacity) throw new BotError("NO_BOT_FREE", `no bot is free: ${calls} calls are all there may be`);
      calls++;
      const place = await start(facts, signal).catch((error) => {
        calls--;
        if (!signal.aborted) throw error;
      });
      if (place === undefined) return;
      counters.sessions_started++;
      yield makeSeat(place.url, place.headers, { failed: () => undefined, released: () => calls-- });
    },
    async close() {
      closed = true;
    },
  };
}

/** @returns "" for more than an answer has */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let byteLength = 0;
  for await (const chunk of response.body ?? []) {
    byteLength += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (byteLength > MAX_ANSWER_BYTES) return "";
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
