/** ITU-T E.164: at most 15 digits, the first not 0. Fewer than 7 is a short code or an extension, not a world number. */
const E164_DIGITS = /^[1-9]\d{6,14}$/;

/** What people and switches put between digits. */
const SEPARATORS = /[\s().-]/g;

/**
 * Brings a phone number into the one shape used here: `+` and digits (E.164). Wavix's own examples write the numbers
 * of one call with and without `+` (OpenAPI, Call: `"+18045961058"`, `"17653889567"`).
 *
 * @returns the number, or `undefined` for what is none: withheld callers ("anonymous"), SIP names, short codes.
 * @example
 * toE164("17653889567"); // "+17653889567"
 * toE164("anonymous"); // undefined
 */
export function toE164(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 40) return undefined;
  // "00" is how most of the world dials "+"; no E.164 number begins with 0.
  const digits = value.replace(SEPARATORS, "").replace(/^(\+|00)/, "");
  return E164_DIGITS.test(digits) ? `+${digits}` : undefined;
}
