import { Buffer } from "node:buffer";
import { z } from "zod";
import { SAMPLE_RATES } from "../../codec/index.ts";
import type { PipecatBotOptions } from "./options.ts";
import { MAX_BODY_BYTES, type SeatsSettings, splitCommand } from "./seats/index.ts";

/** {@link PipecatBotOptions}, checked and complete. */
export interface PipecatBotSettings {
  readonly seats: SeatsSettings;
  readonly protocol: "pipecat" | "twilio";
  readonly connectTimeoutMs: number;
  readonly reconnectMs: number;
  /** Undefined: as the call has it. */
  readonly inputSampleRate: number | undefined;
  readonly dtmf: boolean;
  readonly twilioAccountSid: string | undefined;
}

const whole = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.number(message).refine((value) => Number.isInteger(value) && value >= min && value <= max, message);
};
const oneOf = <T extends string>(...values: [T, ...T[]]) => z.enum(values, `must be ${values.join(" or ")}`);

/** `{port}` in it stands for a port. */
const isUrlOf = (value: string, protocol: RegExp) => {
  const url = value.replaceAll("{port}", "1");
  return URL.canParse(url) && protocol.test(new URL(url).protocol) && new URL(url).hash === "";
};
const urlOf = (protocol: RegExp, message: string) =>
  z.string(message).refine((value) => isUrlOf(value, protocol) && !value.includes("{port}"), message);

export const capacity = whole(1, 100_000);
export const webSocketUrl = urlOf(/^wss?:$/, "must be a URL that starts with ws:// or wss://, without a fragment");
export const startUrl = urlOf(/^https?:$/, "must be a URL that starts with https:// or http://, without a fragment");
export const commandUrl = z
  .string("must be a URL")
  .refine(
    (value) => isUrlOf(value, /^wss?:$/) && value.includes("{port}"),
    "must be a URL that starts with ws:// or wss:// and has {port} in it, such as ws://127.0.0.1:{port}/ws",
  );
export const command = z.string("must be a command").superRefine((value, context) => {
  try {
    if (splitCommand(value).some((word) => word.includes("{port}"))) return;
    context.addIssue("must have {port} in it, for the port that it is to listen on");
  } catch (error) {
    context.addIssue((error as TypeError).message.replace(/^command /, ""));
  }
});
/** What fits a header: a key that was pasted with its line break fails here and not at the first call. */
export const key = z
  .string("must be a key")
  .regex(/^[!-~]{1,1024}$/, "must be 1 to 1024 characters without blanks or line breaks");
export const body = z
  .record(z.string(), z.unknown(), "must be a JSON object")
  .refine(isSmallJson, `must have ${MAX_BODY_BYTES} bytes at most, as JSON`);
export const healthPath = z.string("must be a path").regex(/^\/[!-~]{0,1023}$/, "must be a path, such as /status");
export const sampleRate = z
  .number(`must be one of ${SAMPLE_RATES.join(", ")}`)
  .refine((rate) => (SAMPLE_RATES as readonly number[]).includes(rate), `must be one of ${SAMPLE_RATES.join(", ")}`);
export const accountSid = z.string("must be text").regex(/^\w{1,64}$/, "must be 1 to 64 letters, digits or _");

const botCommand = z.strictObject(
  {
    command,
    warm: whole(0, 100).optional(),
    max: whole(1, 100_000).optional(),
    url: commandUrl.optional(),
    startTimeoutMs: whole(1, 3_600_000).optional(),
    output: oneOf("drop", "inherit").optional(),
  },
  unknownOr("must be a command"),
);
const botUrl = z.strictObject({ url: webSocketUrl, capacity: capacity.optional() }, unknownOr("must be a URL"));

const pipecatBotOptions = z.strictObject(
  {
    // In their long forms.
    url: z
      .preprocess(
        (value) => (typeof value === "string" ? [value] : value),
        z
          .array(
            z.preprocess((value) => (typeof value === "string" ? { url: value } : value), botUrl),
            "must be a URL or a list of URLs",
          )
          .min(1, "must have a URL")
          .max(1_000, "must have 1000 URLs at most"),
      )
      .optional(),
    command: z.preprocess((value) => (typeof value === "string" ? { command: value } : value), botCommand).optional(),
    startUrl: startUrl.optional(),
    protocol: oneOf("pipecat", "twilio").default("pipecat"),
    key: key.optional(),
    body: body.optional(),
    capacity: capacity.optional(),
    healthPath: healthPath.optional(),
    healthCheckMs: whole(0, 3_600_000).optional(),
    connectTimeoutMs: whole(1, 600_000).default(5_000),
    reconnectMs: whole(0, 600_000).default(0),
    inputSampleRate: sampleRate.optional(),
    dtmf: z.boolean("must be true or false").default(false),
    onTrouble: z
      .custom<PipecatBotOptions["onTrouble"]>((value) => typeof value === "function", "must be a function")
      .optional(),
    twilioAccountSid: accountSid.optional(),
  },
  unknownOr("must be an object"),
);

function isSmallJson(value: object): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(value)) <= MAX_BODY_BYTES;
  } catch {
    // A circle, or a bigint.
    return false;
  }
}

/** A name that is none stands in the message, not in the path. */
function unknownOr(message: string) {
  return {
    error: (issue: { code?: string; keys?: readonly string[] }) =>
      issue.code === "unrecognized_keys" ? `must not have ${issue.keys?.join(", ")}` : message,
  };
}

/** Something that is wrong with {@link PipecatBotOptions}. */
export interface OptionProblem {
  /** `url[1].capacity`; empty for the options as a whole. */
  readonly name: string;
  /** Goes behind the name: "must be …". Does not quote the value. */
  readonly message: string;
  readonly value: unknown;
}

/** What came of checking. */
export type CheckedOptions = { ok: true; settings: PipecatBotSettings } | { ok: false; problems: OptionProblem[] };

/** Checks options of which nothing is known, such as those of a file. */
export function checkPipecatOptions(options: unknown): CheckedOptions {
  const parsed = pipecatBotOptions.safeParse(options);
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.map((issue) => problem(options, issue.path, issue.message)) };
  }
  const { data } = parsed;
  const wrong = (name: string, message: string): CheckedOptions => ({
    ok: false,
    problems: [{ name, message, value: undefined }],
  });
  const places = [data.url, data.command, data.startUrl].filter((place) => place !== undefined);
  if (places.length !== 1) return wrong("", "must have one of url, command and startUrl");
  if (data.command !== undefined && data.capacity !== undefined) {
    return wrong("capacity", "goes with url or startUrl: a command has max");
  }
  const healthOption = (["healthPath", "healthCheckMs"] as const).find((name) => data[name] !== undefined);
  if (data.url === undefined && healthOption !== undefined) return wrong(healthOption, "goes with url");
  const { protocol, connectTimeoutMs, reconnectMs, inputSampleRate, dtmf, twilioAccountSid } = data;
  const about = { protocol, connectTimeoutMs, reconnectMs, inputSampleRate, dtmf, twilioAccountSid };
  return { ok: true, settings: { seats: seatsSettings(data), ...about } };
}

function seatsSettings(data: z.infer<typeof pipecatBotOptions>): SeatsSettings {
  const reach = { key: data.key, body: data.body, onTrouble: data.onTrouble };
  if (data.url !== undefined) {
    const urls = data.url.map(({ url, capacity = data.capacity }) => ({ url, capacity }));
    return { kind: "url", urls, healthPath: data.healthPath, healthCheckMs: data.healthCheckMs, ...reach };
  }
  if (data.startUrl !== undefined) return { kind: "start", startUrl: data.startUrl, capacity: data.capacity, ...reach };
  const path = data.protocol === "twilio" ? "ws" : "ws-client";
  const command = data.command as z.infer<typeof botCommand>;
  return { kind: "command", ...command, url: command.url ?? `ws://127.0.0.1:{port}/${path}`, ...reach };
}

/** Names what is wrong as it was given: a short form has no parts. */
function problem(options: unknown, path: readonly PropertyKey[], message: string): OptionProblem {
  let name = "";
  let value = options;
  for (const part of path) {
    if (typeof value !== "object" || value === null) break;
    name += typeof part === "number" ? `[${part}]` : `${name === "" ? "" : "."}${String(part)}`;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return { name, message, value };
}

/**
 * Checks a programmer's options.
 *
 * @throws RangeError for a number, TypeError for anything else that cannot work
 */
export function readPipecatOptions(options: PipecatBotOptions): PipecatBotSettings {
  const checked = checkPipecatOptions(options);
  if (checked.ok) return checked.settings;
  const { name, message, value } = checked.problems[0] as OptionProblem;
  const text = `${name === "" ? "options" : name} ${message}`;
  throw typeof value === "number" ? new RangeError(`${text}, got ${value}`) : new TypeError(text);
}
