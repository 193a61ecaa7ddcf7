import type { BotError } from "./errors.ts";
import type { BotUrl, JsonObject } from "./seats/index.ts";

/** A bot that is started for each call, and ended with it. */
export interface BotCommand {
  /**
   * `python bot.py --port {port}`: words and quotes as in a shell, which there is none of. The bot is to listen on that
   * port of 127.0.0.1 (or localhost), and is ready when it answers any HTTP request there. It gets this process's
   * environment without `WAVIX_API_KEY`, `WEBHOOK_SECRET…`, `STREAM_TOKEN_SECRET…` and `OPERATOR_TOKEN`.
   */
  readonly command: string;
  /** Processes that wait for a call; 0 to 100, default 1. With 0 each call waits until its own has started. */
  readonly warm?: number | undefined;
  /** Processes at once, of any kind; default any number. */
  readonly max?: number | undefined;
  /** Where it takes its call; default `ws://127.0.0.1:{port}/ws-client`, with the twilio protocol `…/ws`. */
  readonly url?: string | undefined;
  /** How long it may take until it answers, in ms; default 60,000. */
  readonly startTimeoutMs?: number | undefined;
  /** What becomes of its output: nothing (default), or it goes to standard error. It may hold what a caller says. */
  readonly output?: "drop" | "inherit" | undefined;
}

/** A Pipecat bot, and how it is spoken with. One of `url`, `command` and `startUrl` says where it is. Times are in ms. */
export interface PipecatBotOptions {
  /**
   * `ws://…` or `wss://…`, such as a runner's `ws://127.0.0.1:7860/ws-client` or Pipecat Cloud's
   * `wss://{region}.api.pipecat.daily.co/ws/generic/{agent}.{organization}`. Of several, a call gets the one with the
   * least load.
   */
  readonly url?: string | readonly (string | BotUrl)[] | undefined;
  readonly command?: string | BotCommand | undefined;
  /** Pipecat Cloud's start API, `https://api.pipecat.daily.co/v1/public/{agent}/start`, or a runner's `/start`. */
  readonly startUrl?: string | undefined;
  /** Protobuf frames, or Twilio Media Streams as Pipecat's telephony bots speak it. Default `pipecat`. */
  readonly protocol?: "pipecat" | "twilio" | undefined;
  /** Sent as `Authorization: Bearer`: with the upgrade, or with `startUrl` to the start API. */
  readonly key?: string | undefined;
  /**
   * Handed to the bot (`runner_args.body` on Pipecat Cloud) with `call_id`, `from` and `to` of the call: behind the URL
   * as `?body=` in base64, or with `startUrl` in the request, which has them without a body of one's own too. 3584 bytes
   * of JSON at most.
   */
  readonly body?: JsonObject | undefined;
  /** Calls at once: of each URL that has no capacity of its own, or of the `startUrl`. Default any number. */
  readonly capacity?: number | undefined;
  /** What each URL's host and port is asked for to see whether it lives; default `/status`. Any answer below 500 is good. */
  readonly healthPath?: string | undefined;
  /** How often; default 5000, 0 for never. */
  readonly healthCheckMs?: number | undefined;
  /** How long it may take until a bot is connected, a free one waited for included; default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long another bot is looked for when one dies in mid-call; default 0: it is not. */
  readonly reconnectMs?: number | undefined;
  /** Rate that the bot wants the caller's audio in, in Hz: its `audio_in_sample_rate`. Default the server's. */
  readonly inputSampleRate?: number | undefined;
  /** The caller's keys are collected from the beginning, without being asked for. Default false. */
  readonly dtmf?: boolean | undefined;
  /**
   * Is told when a bot does not answer any more, and when a process does not come up: words for a log, with host and port
   * and what the process said last. Without calls; what a call meets is thrown at that.
   */
  readonly onTrouble?: ((error: BotError) => void) | undefined;
  /** What a bot of the twilio protocol has in `TWILIO_ACCOUNT_SID`, for its hang-up. */
  readonly twilioAccountSid?: string | undefined;
}
