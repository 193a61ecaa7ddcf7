/**
 * What a client tells a bot in RTVI, as the JSON of a MessageFrame. Each message has an id of its own, without which
 * Pipecat refuses it (0.0.105 to 1.14.0, processors/frameworks/rtvi/models.py: `Message`).
 */

const LABEL = "rtvi-ai";
const ID_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * The version that every bot takes without a word: before Pipecat 1.4 they speak 1.x and want the same of a client; later
 * ones speak 2.x and take 1.x for a client of the older output messages, which is no difference to a phone call.
 */
const VERSION = "1.2.0";

/** A key of a telephone. */
export type DtmfButton = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "*" | "#";

/** What runs the client; Pipecat logs it. */
export interface AboutClient {
  readonly library: string;
  readonly library_version?: string;
  readonly platform?: string;
}

/** All optional. */
export interface ClientReadyOptions {
  /** Of RTVI. Default `1.2.0`, which no version of Pipecat complains about. */
  readonly version?: string;
  /** Default: the library's name. */
  readonly about?: AboutClient;
}

/**
 * The first message to a bot: one whose greeting hangs on `on_client_ready` says nothing before. It answers `bot-ready`.
 *
 * @example
 * socket.send(encodeFrame({ kind: "message", data: clientReady() }));
 */
export function clientReady({
  version = VERSION,
  about = { library: "pipecat-wavix" },
}: ClientReadyOptions = {}): string {
  return message("client-ready", { version, about }).text;
}

/**
 * A message of the application's, for the bot's `on_client_message`.
 *
 * @param t its type
 * @param d anything JSON can hold
 * @example
 * clientMessage("wavix-call", { call_id: "9a2f", from: "+15551230001" });
 */
export function clientMessage(t: string, d?: unknown): string {
  return message("client-message", { t, d }).text;
}

/**
 * A key that the caller pressed. Pipecat 1.5 reads `button`, 1.6 and later `buttons`, and each passes over the other. An
 * older bot answers with an `error-response` to the id.
 *
 * @example
 * const { id, text } = dtmf("#");
 */
export function dtmf(button: DtmfButton): { id: string; text: string } {
  return message("dtmf", { button, buttons: [button] });
}

/**
 * Asks the bot to end: it says what it has begun to say, then closes the socket.
 *
 * @example
 * socket.send(encodeFrame({ kind: "message", data: disconnectBot() }));
 */
export function disconnectBot(): string {
  return message("disconnect-bot").text;
}

function message(type: string, data?: Record<string, unknown>): { id: string; text: string } {
  const id = newId();
  return { id, text: JSON.stringify({ label: LABEL, type, id, data }) };
}

/** Tells the messages of one socket apart; it is no secret. */
function newId(): string {
  let id = "";
  while (id.length < 8) id += ID_CHARACTERS[Math.floor(Math.random() * ID_CHARACTERS.length)];
  return id;
}
