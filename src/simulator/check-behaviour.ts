import { type Behaviour, defaultBehaviour } from "./behaviour.ts";

// The values of the switches that name one of several; the others are checked by the type of their default.
const choices: Partial<Record<keyof Behaviour, readonly unknown[]>> = {
  callIdFields: ["both", "id", "uuid"],
  webhookOrder: ["in-order", "at-once"],
  timestampUnit: ["rtp-8khz", "rtp-24khz", "ms"],
  offSizeMedia: ["play", "drop"],
  oddByteMedia: ["trim", "drop"],
  marksOnClear: ["in-order", "reversed"],
  streamEnd: ["stop-then-close", "close-only", "stop-only"],
  endOrder: ["stream-first", "webhook-first"],
  errorTexts: ["2026-06", "2026-04"],
  unknownBodyFields: ["refuse", "ignore"],
  unknownCallOnStreams: [400, 404],
  unknownStreamOnDelete: [200, 404],
  streamBeforeAnswer: ["refuse", "accept"],
  secondTwoWayStream: ["refuse", "replace", "accept"],
  sixthOneWayStream: ["refuse", "accept"],
  answerTwice: [200, 400, 404],
  hangUpBeforeAnswer: ["ends", "refuse"],
  endedCalls: ["gone", "known"],
  keysAtTimeout: ["complete", "fail"],
  secondCollect: ["replace", "refuse"],
};
const EVENTS = ["call_setup", "ringing", "early_media", "answered", "completed", "busy", "cancelled", "rejected"];
const EVENT_NAMES = new Set<unknown>([...EVENTS, "on_call_event"]);
// That of setTimeout, which takes a longer delay for 1 ms.
const MOST_OF_A_NUMBER = 2_147_483_647;

/**
 * Completes some switches with those of a base.
 *
 * @throws TypeError or RangeError for a switch there is none of, or a value it does not have.
 */
export function completeBehaviour(base: Behaviour, some: Partial<Behaviour> = {}): Behaviour {
  for (const [name, value] of Object.entries(some)) check(name, value);
  return { ...base, ...some };
}

function check(name: string, value: unknown): void {
  if (!Object.hasOwn(defaultBehaviour, name)) throw new TypeError(`behaviour has no ${name}`);
  const key = name as keyof Behaviour;
  const allowed = choices[key];
  if (allowed !== undefined) {
    if (!allowed.includes(value)) throw new RangeError(`${name} must be one of ${allowed.join(", ")}`);
  } else if (key === "closeCode") {
    // RFC 6455, 7.4: 1004 to 1006 are never sent.
    const code = Number.isInteger(value) ? (value as number) : 0;
    const sendable = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
    if (!sendable) throw new RangeError(`closeCode must be one that may be sent, not ${value}`);
  } else if (key === "eventsBeforeAnswer" || key === "eventsOnAnswer") {
    const known = Array.isArray(value) && value.length <= 20 && value.every((event) => EVENT_NAMES.has(event));
    if (!known) throw new TypeError(`${name} must be at most 20 events of Wavix's`);
  } else if (key.startsWith("eventWhen")) {
    if (value !== null && !EVENT_NAMES.has(value)) throw new TypeError(`${name} must be an event of Wavix's, or null`);
  } else if (key === "accountWebhookUrl") {
    const isUrl = typeof value === "string" && URL.canParse(value) && /^https?:/i.test(value);
    if (value !== null && !isUrl) throw new TypeError("accountWebhookUrl must be an http or https URL, or null");
  } else if (typeof value !== typeof defaultBehaviour[key]) {
    throw new TypeError(`${name} must be a ${typeof defaultBehaviour[key]}`);
  } else if (typeof value === "number" && !(Number.isInteger(value) && value >= 0 && value <= MOST_OF_A_NUMBER)) {
    throw new RangeError(`${name} must be an integer from 0 to ${MOST_OF_A_NUMBER}, not ${value}`);
  }
}
