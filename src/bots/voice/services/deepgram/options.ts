import { isFlux, languageProblem, languageQuery } from "./models.ts";

/** How Deepgram is to listen. Times in ms. */
export interface DeepgramSTTOptions {
  readonly apiKey: string;
  /** `wss://api.deepgram.com`; plain `ws:` works too. */
  readonly baseUrl?: string;
  /** `nova-3`, or another of `/v1/listen`; those that begin with `flux-` are served by `/v2/listen`. */
  readonly model?: string;
  /**
   * What is spoken, as BCP 47 tags: one for nova, or `multi`; for `flux-general-multi` all that are to be expected, with
   * commas between them. The model's default otherwise.
   */
  readonly language?: string;
  /** Words and names to expect. */
  readonly keyterms?: readonly string[];
  /** nova: the silence that ends a turn; 300. */
  readonly endpointingMs?: number;
  /** nova: the gap between words that ends a turn where noise hides the silence; 1000, the least that the service takes. */
  readonly utteranceEndMs?: number;
  /** Flux: the confidence at which an answer is prepared, 0.3 to 0.9; 0.5. Null: never before the end. */
  readonly eagerEotThreshold?: number | null;
  /** Flux: the confidence at which the turn is over, 0.5 to 0.9; 0.7. */
  readonly eotThreshold?: number;
  /** Flux: the silence after which it is over however that seems; 5000. */
  readonly eotTimeoutMs?: number;
  /** More of the query, as the service names it. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The user's id in transcriptions; "caller". */
  readonly userId?: string;
  /** How often in a row a lost connection is tried again; 5. */
  readonly maxReconnects?: number;
  /** The wait before the first of them; it doubles up to 2000. 100. */
  readonly reconnectDelayMs?: number;
  /** How much audio is kept for a new connection; 5000. */
  readonly keepAudioMs?: number;
  /** How long a connection may take to come about; 5000. */
  readonly connectTimeoutMs?: number;
  /** A connection that says nothing to so much audio is taken for lost; 10000. */
  readonly answerTimeoutMs?: number;
  /** A turn of which nothing new is heard for so long is over; 6000. Half of it, but 2000 at most, on a new connection. */
  readonly turnTimeoutMs?: number;
  /** How long no audio may come before the connection is told that it is still wanted; 4000. */
  readonly keepAliveMs?: number;
  readonly name?: string;
}

/** Options with nothing left open. */
export type CompleteOptions = Required<Omit<DeepgramSTTOptions, "language" | "name">> &
  Pick<DeepgramSTTOptions, "language">;

const BOUNDS: readonly [name: keyof CompleteOptions, least: number, most: number][] = [
  ["endpointingMs", 10, 60_000],
  ["utteranceEndMs", 1000, 60_000],
  ["eotThreshold", 0.5, 1],
  ["eotTimeoutMs", 500, 60_000],
  ["maxReconnects", 0, 100],
  ["reconnectDelayMs", 0, 60_000],
  ["keepAudioMs", 100, 60_000],
  ["connectTimeoutMs", 1, 60_000],
  ["answerTimeoutMs", 1, 600_000],
  ["turnTimeoutMs", 1, 600_000],
  ["keepAliveMs", 1, 60_000],
];

/** @throws TypeError | RangeError with the name of the option, its bounds and its value */
export function completeOptions(options: DeepgramSTTOptions): CompleteOptions {
  const { apiKey, baseUrl = "wss://api.deepgram.com", model = "nova-3", language } = options;
  if (typeof apiKey !== "string" || apiKey === "") throw new TypeError("apiKey must be a key of Deepgram's");
  if (!/^(ws|http)s?:\/\/[^/]/.test(baseUrl)) throw new TypeError(`baseUrl must be a ws: or wss: URL, not ${baseUrl}`);
  if (typeof model !== "string" || model === "") throw new TypeError("model must be the name of a model");
  const problem = language === undefined ? undefined : languageProblem(model, language);
  if (problem !== undefined) throw new TypeError(problem);
  const complete: CompleteOptions = {
    apiKey,
    baseUrl: baseUrl.replace(/^http/, "ws"),
    model,
    ...(language === undefined ? {} : { language }),
    keyterms: options.keyterms ?? [],
    endpointingMs: options.endpointingMs ?? 300,
    utteranceEndMs: options.utteranceEndMs ?? 1000,
    eagerEotThreshold: options.eagerEotThreshold === undefined ? 0.5 : options.eagerEotThreshold,
    eotThreshold: options.eotThreshold ?? 0.7,
    eotTimeoutMs: options.eotTimeoutMs ?? 5000,
    parameters: options.parameters ?? {},
    userId: options.userId ?? "caller",
    maxReconnects: options.maxReconnects ?? 5,
    reconnectDelayMs: options.reconnectDelayMs ?? 100,
    keepAudioMs: options.keepAudioMs ?? 5000,
    connectTimeoutMs: options.connectTimeoutMs ?? 5000,
    answerTimeoutMs: options.answerTimeoutMs ?? 10_000,
    turnTimeoutMs: options.turnTimeoutMs ?? Math.max(6000, (options.eotTimeoutMs ?? 0) + 1000),
    keepAliveMs: options.keepAliveMs ?? 4000,
  };
  for (const [name, least, most] of BOUNDS) requireNumber(name, complete[name], least, most);
  const { eagerEotThreshold, eotThreshold } = complete;
  if (eagerEotThreshold !== null)
    requireNumber("eagerEotThreshold", eagerEotThreshold, 0.3, Math.min(0.9, eotThreshold));
  return complete;
}

function requireNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === "number" && value >= least && value <= most) return;
  throw new RangeError(`${name} must be a number from ${least} to ${most}, not ${String(value)}`);
}

/** The query, beside the model. */
export function queryOf(options: CompleteOptions, sampleRate: number): Record<string, string | readonly string[]> {
  const audio = { encoding: "linear16", sample_rate: String(sampleRate) };
  const keyterm = options.keyterms.length === 0 ? {} : { keyterm: options.keyterms };
  const language = languageQuery(options.model, options.language);
  if (isFlux(options.model)) {
    const { eagerEotThreshold, eotThreshold, eotTimeoutMs } = options;
    return {
      ...audio,
      ...keyterm,
      ...language,
      ...(eagerEotThreshold === null ? {} : { eager_eot_threshold: String(eagerEotThreshold) }),
      eot_threshold: String(eotThreshold),
      eot_timeout_ms: String(eotTimeoutMs),
      ...options.parameters,
    };
  }
  return {
    ...audio,
    ...keyterm,
    ...language,
    channels: "1",
    punctuate: "true",
    interim_results: "true",
    endpointing: String(options.endpointingMs),
    utterance_end_ms: String(options.utteranceEndMs),
    ...options.parameters,
  };
}
