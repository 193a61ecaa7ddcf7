import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Whether `given` is one of the secrets, in a time that does not tell how much of it is right, nor how long they are.
 *
 * @example
 * isOneOf(["new-secret", "old-secret"], "old-secret"); // true
 */
export function isOneOf(secrets: readonly string[], given: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const wanted = digest(given);
  let found = false;
  for (const secret of secrets) found = timingSafeEqual(digest(secret), wanted) || found;
  return found;
}
