/** What a client asked of `/v1/listen`. */
export interface NovaQuery {
  readonly model: string;
  readonly sampleRate: number;
  readonly interimResults: boolean;
  /** The silence that ends a stretch of speech; null: endpointing is off. */
  readonly endpointingMs: number | null;
  readonly utteranceEndMs: number | null;
  readonly vadEvents: boolean;
}

/** What a client asked of `/v2/listen`; `Configure` changes it. */
export interface FluxQuery {
  readonly model: string;
  readonly sampleRate: number;
  eagerEotThreshold: number | null;
  eotThreshold: number;
  eotTimeoutMs: number;
}

// Parameters of both endpoints as the SDK of the service lists them (ListenV1/V2 ConnectArgs); an unknown one is a mistake.
const both = "model encoding sample_rate keyterm mip_opt_out tag numerals profanity_filter redact".split(" ");
const novaOnly =
  `callback callback_method channels detect_entities diarize diarize_model dictation endpointing extra interim_results
  keywords language multichannel punctuate replace search smart_format utterance_end_ms vad_events version`.split(
    /\s+/,
  );
const fluxOnly = "eager_eot_threshold eot_threshold eot_timeout_ms language_hint".split(" ");

/** @throws RangeError with what the service would have put into its 400 */
export function parseNovaQuery(params: URLSearchParams, defaultEndpointingMs: number): NovaQuery {
  const { model, sampleRate } = parseAudio(params, [...both, ...novaOnly]);
  if (model.startsWith("flux")) throw new RangeError("Flux models need /v2/listen");
  const interimResults = flag(params, "interim_results");
  const utteranceEndMs = number(params, "utterance_end_ms", 0, 60_000);
  if (utteranceEndMs !== null && !interimResults) throw new RangeError("utterance_end_ms needs interim_results=true");
  const endpointing = params.get("endpointing");
  const endpointingMs =
    endpointing === "false"
      ? null
      : endpointing === null || endpointing === "true"
        ? defaultEndpointingMs
        : number(params, "endpointing", 0, 60_000);
  return { model, sampleRate, interimResults, endpointingMs, utteranceEndMs, vadEvents: flag(params, "vad_events") };
}

/** @throws RangeError with what the service would have put into its 400 */
export function parseFluxQuery(params: URLSearchParams): FluxQuery {
  const { model, sampleRate } = parseAudio(params, [...both, ...fluxOnly]);
  if (!model.startsWith("flux-")) throw new RangeError("/v2/listen needs a Flux model");
  if (params.has("language_hint") && model.endsWith("-en")) throw new RangeError("language_hint needs another model");
  const query = {
    model,
    sampleRate,
    eagerEotThreshold: number(params, "eager_eot_threshold", 0.3, 0.9),
    eotThreshold: number(params, "eot_threshold", 0.5, 1) ?? 0.7,
    eotTimeoutMs: number(params, "eot_timeout_ms", 500, 60_000) ?? 5000,
  };
  requireOrder(query);
  return query;
}

/** Applies the thresholds of `Configure`. @returns false when one does not fit: nothing was changed */
export function applyThresholds(query: FluxQuery, thresholds: unknown): boolean {
  const params = new URLSearchParams();
  if (typeof thresholds === "object" && thresholds !== null) {
    for (const [name, value] of Object.entries(thresholds)) params.set(name, String(value));
  }
  try {
    const next = {
      eagerEotThreshold: number(params, "eager_eot_threshold", 0.3, 0.9) ?? query.eagerEotThreshold,
      eotThreshold: number(params, "eot_threshold", 0.5, 1) ?? query.eotThreshold,
      eotTimeoutMs: number(params, "eot_timeout_ms", 500, 60_000) ?? query.eotTimeoutMs,
    };
    requireOrder(next);
    Object.assign(query, next);
    return true;
  } catch {
    return false;
  }
}

function requireOrder({
  eagerEotThreshold,
  eotThreshold,
}: Pick<FluxQuery, "eagerEotThreshold" | "eotThreshold">): void {
  if (eagerEotThreshold !== null && eagerEotThreshold > eotThreshold) {
    throw new RangeError("eager_eot_threshold must not be above eot_threshold");
  }
}

function parseAudio(params: URLSearchParams, known: readonly string[]): { model: string; sampleRate: number } {
  const unknown = [...params.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`unknown parameter ${unknown}`);
  if (params.get("encoding") !== "linear16") throw new RangeError("the stand-in hears encoding=linear16 alone");
  const channels = params.get("channels") ?? "1";
  if (channels !== "1") throw new RangeError("the stand-in hears channels=1 alone");
  const sampleRate = number(params, "sample_rate", 8000, 48_000);
  if (sampleRate === null) throw new RangeError("linear16 needs sample_rate");
  const model = params.get("model");
  if (model === null || model === "") throw new RangeError("model is missing");
  return { model, sampleRate };
}

function flag(params: URLSearchParams, name: string): boolean {
  const value = params.get(name) ?? "false";
  if (value !== "true" && value !== "false") throw new RangeError(`${name} must be true or false`);
  return value === "true";
}

function number(params: URLSearchParams, name: string, least: number, most: number): number | null {
  const text = params.get(name);
  if (text === null) return null;
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most)) {
    throw new RangeError(`${name} must be a number from ${least} to ${most}`);
  }
  return value;
}
