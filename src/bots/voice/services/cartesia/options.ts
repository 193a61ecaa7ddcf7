/** How Cartesia is reached and what it sounds like. Times in ms. */
export interface CartesiaOptions {
  readonly apiKey: string;
  /** Default `wss://api.cartesia.ai`. */
  readonly baseUrl?: string;
  /** Default "sonic-3.6". */
  readonly model?: string;
  /** Default: the voice of the Python bot. */
  readonly voiceId?: string;
  /** As Cartesia writes it: "en", "de-CH". Default "en". */
  readonly language?: string;
  /** Sound of the voice: a factor of 0.6 to 1.5, a factor of 0.5 to 2, and an emotion by Cartesia's name. */
  readonly speed?: number;
  readonly volume?: number;
  readonly emotion?: string;
  /** How long to wait for audio. Default 5000. */
  readonly audioTimeoutMs?: number;
  /** Connections that may fail in a row before the service gives up. Default 5. */
  readonly maxAttempts?: number;
  /** The wait behind the first of them; it doubles, up to 4 s. Default 250. */
  readonly retryDelayMs?: number;
  /** The most an EndFrame waits for what is being said. Default 60000: 30 s of it may lie with the caller's buffer. */
  readonly endTimeoutMs?: number;
  /** A name for errors. Default "CartesiaTTSService". */
  readonly name?: string;
}

export type CartesiaSettings = Required<Omit<CartesiaOptions, "speed" | "volume" | "emotion" | "name">> & {
  readonly generation: { readonly speed?: number; readonly volume?: number; readonly emotion?: string } | undefined;
};

/** Signed 16-bit samples, mono: what a call plays without resampling. */
export const SAMPLE_RATE = 24_000;

/** The API whose messages this service reads and writes; Pipecat 1.14 pins the same. */
export const API_VERSION = "2026-03-01";

const DEFAULTS = {
  baseUrl: "wss://api.cartesia.ai",
  model: "sonic-3.6",
  voiceId: "79a125e8-cd45-4c13-8a67-188112f4dd22",
  language: "en",
  audioTimeoutMs: 5_000,
  maxAttempts: 5,
  retryDelayMs: 250,
  endTimeoutMs: 60_000,
};

/** @throws TypeError | RangeError that names the option */
export function readOptions(options: CartesiaOptions): CartesiaSettings {
  const settings = { ...DEFAULTS, ...definedOf(options) };
  if (typeof options.apiKey !== "string" || options.apiKey === "") {
    throw new TypeError("apiKey must be a key of Cartesia's: set CARTESIA_API_KEY");
  }
  for (const name of ["baseUrl", "model", "voiceId", "language"] as const) {
    if (typeof settings[name] !== "string" || settings[name] === "") throw new TypeError(`${name} must be a string`);
  }
  if (!/^(?:ws|http)s?:$/.test(URL.canParse(settings.baseUrl) ? new URL(settings.baseUrl).protocol : "")) {
    throw new TypeError(`baseUrl must begin with ws://, wss://, http:// or https://, not ${settings.baseUrl}`);
  }
  for (const name of ["audioTimeoutMs", "maxAttempts", "retryDelayMs", "endTimeoutMs"] as const) {
    if (!(settings[name] > 0)) throw new RangeError(`${name} must be more than 0, not ${settings[name]}`);
  }
  const { speed, volume, emotion } = options;
  if (speed !== undefined && !(speed >= 0.6 && speed <= 1.5)) {
    throw new RangeError(`speed must be between 0.6 and 1.5, not ${speed}`);
  }
  if (volume !== undefined && !(volume >= 0.5 && volume <= 2)) {
    throw new RangeError(`volume must be between 0.5 and 2, not ${volume}`);
  }
  const generation = definedOf({ speed, volume, emotion });
  return { ...settings, generation: Object.keys(generation).length > 0 ? generation : undefined };
}

function definedOf<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]: Exclude<T[K], undefined> };
}
