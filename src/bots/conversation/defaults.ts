/** What a bot says, and how long it waits, unless told. */
export const DEFAULT_INSTRUCTIONS =
  "You are a friendly assistant on the telephone. What you write is spoken to the caller: answer in one to three short, " +
  "plain sentences, without lists, headings, emojis or other formatting. Write numbers, dates and abbreviations as they " +
  "are spoken. When the caller wants to finish, say goodbye and end the call.";
export const DEFAULT_IDLE_MS = 300_000;
export const DEFAULT_GREETING = "Hello! How can I help you?";
export const DEFAULT_APOLOGIES = {
  again: "Sorry, something went wrong. Could you say that again?",
  goodbye: "I am sorry, I am having technical trouble and cannot go on.",
} as const;

/** `setTimeout` takes no longer delay. */
const MAX_IDLE_MS = 2 ** 31 - 1;

/** @throws RangeError when it is no time to wait */
export function checkIdleMs(idleMs: number): number {
  if (idleMs >= 0 && idleMs <= MAX_IDLE_MS) return idleMs;
  throw new RangeError(`idleMs must be a number from 0 to ${MAX_IDLE_MS}, got ${idleMs}`);
}
