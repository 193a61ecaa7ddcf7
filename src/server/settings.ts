/** What a server needs to know. Times are in ms. Made by `readSettings`, or by hand on {@link defaultSettings}. */
export interface ServerSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where Wavix reaches this server, `https://…`; undefined in local mode: the address it listens on. */
  readonly publicUrl: string | undefined;
  /** Undefined in local mode. */
  readonly wavixApiKey: string | undefined;
  readonly wavixApiBase: string;
  /** Last part of the webhook's path, or its header `x-webhook-secret`; undefined for none. */
  readonly webhookSecret: string | undefined;
  /** One that is good as well, while the secret is being replaced. */
  readonly webhookSecretPrevious: string | undefined;
  /** Addresses and networks (`192.0.2.0/24`) that webhooks may come from; undefined for all. */
  readonly webhookAllow: readonly string[] | undefined;
  /** Asks Wavix whether there is such a call before it is answered. */
  readonly verifyCalls: boolean;
  /** Signs the stream tokens; undefined for a random one, which ends with the process. */
  readonly streamTokenSecret: string | undefined;
  /** Verifies tokens too, signs none: while the secret is being replaced. */
  readonly streamTokenSecretPrevious: string | undefined;
  /** Lets an operator see the calls on `/calls`; undefined: there is no such route. */
  readonly operatorToken: string | undefined;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed; undefined for none. */
  readonly trustProxy: readonly string[] | undefined;
  /** Lets sockets without a token in, on plain `/ws`. */
  readonly openWs: boolean;
  /** Ends a call whose `start` names another one. */
  readonly strictStart: boolean;
  /** Processes that carry calls; 1 for this one alone. More than one are started by the command line only. */
  readonly workers: number;
  /** Calls at once, of all workers together. */
  readonly maxCalls: number;
  /** New calls a second; 0 for no limit. */
  readonly maxCallsPerSecond: number;
  /** How late the event loop may be (in the median, three seconds in a row) while new calls are taken, in ms; 0 for no limit. */
  readonly maxLoopDelayMs: number;
  /** Webhooks a second of one address, and upgrades; 0 for no limit. */
  readonly addressRequestsPerSecond: number;
  /** Messages a second of one stream that are read; 0 for no limit. */
  readonly maxMessagesPerSecond: number;
  /** What happens to a call for which there is no room: it rings on, or is hung up. */
  readonly whenFull: "ring" | "hang-up";
  /** Answer and stream in one request, or one after the other. */
  readonly answer: "with-stream" | "then-stream";
  /** Rate of the frames that bots get, in Hz. */
  readonly sampleRate: number;
  readonly playoutDelayMs: number;
  readonly sendAheadMs: number;
  readonly maxCallMs: number;
  readonly idleTimeoutMs: number;
  /** Longest time without the caller's audio on a socket that says other things; 0 for no limit. */
  readonly noMediaTimeoutMs: number;
  /** How often a socket is pinged; one that gives no sign of life until the next is dead. 0 for never. */
  readonly pingMs: number;
  /** How long the socket may take to come after the answer, and its first message after that. */
  readonly startTimeoutMs: number;
  /** How long a request may take to come in, head and body. */
  readonly requestTimeoutMs: number;
  /** How long calls may go on once the server has been told to stop. */
  readonly drainMs: number;
  /** A WAV (PCM16) that the caller hears when the bot fails; undefined for none. */
  readonly failurePrompt: string | undefined;
  /** A file to which a line of JSON is added for every call that ended, `-` for standard output; undefined for none. */
  readonly cdr: string | undefined;
  /** A folder that gets a redacted trace of every call's messages; undefined for none. */
  readonly traceDir: string | undefined;
  /** Which calls are traced: every one, or those that are asked for by `POST /calls/:id/trace`. */
  readonly traceCalls: "all" | "asked";
  /** Traces keep what was said. */
  readonly traceAudio: boolean;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}

/** Wavix itself. */
export const WAVIX_API_BASE = "https://api.wavix.com";
/** Where `call`, `load` and the demo open the stand-in for Wavix. */
export const LOCAL_API_BASE = "http://127.0.0.1:7870";

/** Local mode: this machine only, no key, the simulator in Wavix's place. */
export const defaultSettings: ServerSettings = {
  host: "127.0.0.1",
  port: 7860,
  publicUrl: undefined,
  wavixApiKey: undefined,
  wavixApiBase: LOCAL_API_BASE,
  webhookSecret: undefined,
  webhookSecretPrevious: undefined,
  webhookAllow: undefined,
  verifyCalls: false,
  streamTokenSecret: undefined,
  streamTokenSecretPrevious: undefined,
  operatorToken: undefined,
  trustProxy: undefined,
  openWs: false,
  strictStart: false,
  workers: 1,
  maxCalls: 500,
  maxCallsPerSecond: 500,
  maxLoopDelayMs: 200,
  addressRequestsPerSecond: 500,
  maxMessagesPerSecond: 200,
  whenFull: "ring",
  answer: "with-stream",
  sampleRate: 16_000,
  playoutDelayMs: 60,
  sendAheadMs: 200,
  maxCallMs: 4 * 3_600_000,
  idleTimeoutMs: 60_000,
  noMediaTimeoutMs: 120_000,
  pingMs: 20_000,
  startTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  drainMs: 10_000,
  failurePrompt: undefined,
  cdr: undefined,
  traceDir: undefined,
  traceCalls: "all",
  traceAudio: false,
  logLevel: "info",
};

const HOST_SETTINGS = [
  ...(["verifyCalls", "strictStart", "answer", "sampleRate", "playoutDelayMs", "sendAheadMs", "maxCallMs"] as const),
  ...([
    "idleTimeoutMs",
    "noMediaTimeoutMs",
    "pingMs",
    "startTimeoutMs",
    "maxMessagesPerSecond",
    "failurePrompt",
    "traceDir",
    "traceCalls",
    "traceAudio",
  ] as const),
] as const;

/** What those who carry calls need to know; nothing of who may come in. */
export type HostSettings = Pick<ServerSettings, (typeof HOST_SETTINGS)[number]>;

/** The part of the settings that a worker is told. */
export function hostSettings(settings: ServerSettings): HostSettings {
  return Object.fromEntries(HOST_SETTINGS.map((name) => [name, settings[name]])) as unknown as HostSettings;
}
