import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isCallId, requireId } from "./call-id.ts";

/** Settings of a signer. */
export interface StreamTokenSignerOptions {
  /**
   * What signs: at least 16 bytes. Of a list (at most 8) the first signs and all verify, so that a secret can be
   * replaced while calls that were signed with the old one are still being connected.
   */
  secret: string | Uint8Array | readonly (string | Uint8Array)[];
  /** How long a token is good, in milliseconds. */
  ttlMs: number;
  /** Milliseconds since 1970; default `Date.now`. */
  now?: () => number;
}

/** What {@link StreamTokenSigner.verify} gives. */
export type VerifiedStreamToken =
  | {
      ok: true;
      callId: string;
      /** Different for every token, 22 characters. Remember it until `expiresAtMs` to let a token be used once only. */
      tokenId: string;
      /** Milliseconds since 1970, from which the token is refused. */
      expiresAtMs: number;
    }
  | { ok: false; reason: "malformed" | "bad-signature" | "expired" };

/** Signs and verifies the tokens that let Wavix's media socket in. */
export interface StreamTokenSigner {
  /**
   * A new token for a call: 80 to 251 characters, letters, digits, `-`, `_` and `.` only.
   * @throws TypeError when the call id is none.
   */
  sign(callId: string): string;
  /** Says what a token is good for. Never throws, whatever came in the URL. */
  verify(token: unknown): VerifiedStreamToken;
}

/** Keeps a signature made here from meaning anything elsewhere, should the secret be shared with something else. */
const PURPOSE = "pipecat-wavix stream token v1\n";

/**
 * expiry (ms, base 36) . token id (16 random bytes) . call id . HMAC-SHA256 of all before it; the last three base64url.
 * Every part is bounded: what is longer than 251 characters is malformed.
 */
const SHAPE = /^([0-9a-z]{1,11})\.([\w-]{22})\.([\w-]{2,172})\.([\w-]{43})$/;

/**
 * Makes the tokens for `wss://<host>/ws/<token>`. Wavix documents no authentication on the socket it opens, nor that it
 * keeps a query string (AsyncAPI: "host and path"), so that the path itself has to prove that the stream was asked for.
 *
 * Verifying is stateless; that a token is used once is up to the server, which has `tokenId` and `expiresAtMs` for it.
 *
 * @throws RangeError for a secret under 16 bytes, no or more than 8 secrets, or a `ttlMs` outside 1 ms to 24 h.
 * @example
 * const signer = createStreamTokenSigner({ secret: randomBytes(32), ttlMs: 60_000 });
 * const token = signer.sign("abc-123");
 * signer.verify(token); // { ok: true, callId: "abc-123", tokenId: "…", expiresAtMs: … }
 * signer.verify(`${token}x`); // { ok: false, reason: "malformed" }
 */
export function createStreamTokenSigner({
  secret,
  ttlMs,
  now = Date.now,
}: StreamTokenSignerOptions): StreamTokenSigner {
  if (!(ttlMs >= 1 && ttlMs <= 86_400_000)) throw new RangeError(`ttlMs must be 1 to 86400000, got ${ttlMs}`);
  const keys = readKeys(secret);

  const signature = (key: Buffer, content: string) =>
    createHmac("sha256", key).update(PURPOSE).update(content).digest("base64url");

  return {
    sign(callId) {
      requireId("callId", callId);
      const expiresAtMs = Math.floor(now()) + Math.ceil(ttlMs);
      const nonce = randomBytes(16).toString("base64url");
      const content = `${expiresAtMs.toString(36)}.${nonce}.${Buffer.from(callId).toString("base64url")}`;
      return `${content}.${signature(keys[0], content)}`;
    },

    verify(token) {
      const text = typeof token === "string" ? token : "";
      const [, expiry, tokenId, encodedCallId, given] = SHAPE.exec(text) ?? [];
      if (!expiry || !tokenId || !encodedCallId || !given) return { ok: false, reason: "malformed" };

      // Text is compared, not bytes: the last base64url character has two spare bits, and a token must have one spelling.
      const content = text.slice(0, -given.length - 1);
      const givenBytes = Buffer.from(given);
      const signed = keys.some((key) => timingSafeEqual(Buffer.from(signature(key, content)), givenBytes));
      if (!signed) return { ok: false, reason: "bad-signature" };

      const expiresAtMs = Number.parseInt(expiry, 36);
      if (now() >= expiresAtMs) return { ok: false, reason: "expired" };
      const callId = Buffer.from(encodedCallId, "base64url").toString();
      return isCallId(callId) ? { ok: true, callId, tokenId, expiresAtMs } : { ok: false, reason: "malformed" };
    },
  };
}

function readKeys(secret: StreamTokenSignerOptions["secret"]) {
  const secrets = typeof secret === "string" || secret instanceof Uint8Array ? [secret] : secret;
  if (secrets.length > 8) throw new RangeError(`secret must be at most 8 secrets, got ${secrets.length}`);
  const [first, ...others] = secrets.map((one) => {
    const bytes = Buffer.from(one);
    if (bytes.length < 16) throw new RangeError(`secret must have at least 16 bytes, got ${bytes.length}`);
    return bytes;
  });
  if (first === undefined) throw new RangeError("secret must be at least 1 secret, got 0");
  return [first, ...others] as const;
}
