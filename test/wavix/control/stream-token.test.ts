import { createHmac, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStreamTokenSigner, isCallId, type StreamTokenSignerOptions } from "../../../src/wavix/control/index.ts";

const secret = "a secret of more than sixteen bytes";
const startMs = 1_760_000_000_000;
const callId = "5dccb6b0-f35c-488c-867b-86fb012c4415";
const anyCallId = fc.string({ minLength: 1, maxLength: 128, unit: "grapheme-ascii" }).filter(isCallId);
const signerAt = (nowMs: number, by: StreamTokenSignerOptions["secret"] = secret) =>
  createStreamTokenSigner({ secret: by, ttlMs: 60_000, now: () => nowMs });

describe("a stream token", () => {
  it("says which call it is for, is short, and stands in a path as it is", () => {
    fc.assert(
      fc.property(anyCallId, fc.integer({ min: 0, max: 4_102_444_800_000 }), (id, nowMs) => {
        const token = signerAt(nowMs).sign(id);
        expect(token.length).toBeLessThanOrEqual(251);
        expect(encodeURIComponent(token)).toBe(token);
        const verified = signerAt(nowMs).verify(token);
        expect(verified).toEqual({
          ok: true,
          callId: id,
          tokenId: expect.stringMatching(/^[\w-]{22}$/),
          expiresAtMs: nowMs + 60_000,
        });
      }),
    );
  });

  it("is another one every time", () => {
    const signer = signerAt(startMs);
    const ids = Array.from({ length: 200 }, () => {
      const verified = signer.verify(signer.sign(callId));
      return verified.ok ? verified.tokenId : "";
    });
    expect(new Set(ids).size).toBe(200);
  });

  it("is refused with any character changed, taken out or put in", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%/ é";
    const signer = signerAt(startMs);
    const token = signer.sign(callId);
    for (let at = 0; at <= token.length; at++) {
      const variants = [token.slice(0, at) + token.slice(at + 1)];
      for (const char of alphabet) {
        variants.push(token.slice(0, at) + char + token.slice(at), token.slice(0, at) + char + token.slice(at + 1));
      }
      for (const variant of variants) {
        if (variant !== token) expect([variant, signer.verify(variant).ok]).toEqual([variant, false]);
      }
    }
    expect(signer.verify(token).ok).toBe(true);
  });

  it("cannot be put together from parts of others", () => {
    const signer = signerAt(startMs);
    const mine = signer.sign("my-call").split(".");
    const others = signer.sign("other-call").split(".");
    for (let mask = 1; mask < 15; mask++) {
      const mixed = mine.map((part, i) => ((mask >> i) & 1 ? others[i] : part)).join(".");
      const same = mixed === mine.join(".") || mixed === others.join("."); // both were signed in the same millisecond
      if (!same) expect(signer.verify(mixed)).toEqual({ ok: false, reason: "bad-signature" });
    }
  });

  it("is refused under another secret, and under another purpose", () => {
    const token = signerAt(startMs).sign(callId);
    expect(signerAt(startMs, `${secret}!`).verify(token)).toEqual({ ok: false, reason: "bad-signature" });
    const content = token.slice(0, token.lastIndexOf("."));
    const bare = createHmac("sha256", secret).update(content).digest("base64url");
    expect(signerAt(startMs).verify(`${content}.${bare}`)).toEqual({ ok: false, reason: "bad-signature" });
  });

  it("lasts to its last millisecond", () => {
    let nowMs = startMs;
    const signer = createStreamTokenSigner({ secret, ttlMs: 10_000, now: () => nowMs });
    const token = signer.sign(callId);
    nowMs = startMs + 9_999;
    expect(signer.verify(token)).toMatchObject({ ok: true, expiresAtMs: startMs + 10_000 });
    nowMs = startMs + 10_000;
    expect(signer.verify(token)).toEqual({ ok: false, reason: "expired" });
    expect(signer.verify(`${token.slice(0, -4)}AAAA`)).toEqual({ ok: false, reason: "bad-signature" });
  });

  it("goes by the clock when none is given", () => {
    const signer = createStreamTokenSigner({ secret, ttlMs: 60_000 });
    expect(signer.verify(signer.sign(callId))).toMatchObject({ ok: true, callId });
    expect(signer.verify(signerAt(Date.now() - 61_000).sign(callId))).toEqual({ ok: false, reason: "expired" });
  });

  it("outlives a change of secret", () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    const before = signerAt(startMs, [older]);
    const during = signerAt(startMs, [newer, older]);
    const after = signerAt(startMs, [newer]);
    expect(during.verify(before.sign(callId)).ok).toBe(true);
    expect(after.verify(during.sign(callId)).ok).toBe(true);
    expect(before.verify(during.sign(callId)).ok).toBe(false);
    expect(after.verify(before.sign(callId)).ok).toBe(false);
  });

  it("does not follow changes to the bytes of a secret", () => {
    const bytes = new Uint8Array(32).fill(7);
    const signer = signerAt(startMs, bytes);
    const token = signer.sign(callId);
    bytes.fill(0);
    expect(signer.verify(token).ok).toBe(true);
  });
});

describe("verifying", () => {
  it("never throws, whatever comes", () => {
    const signer = signerAt(startMs);
    const part = fc.stringMatching(/^[\w-]{0,60}$/);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string(),
          fc.array(part, { maxLength: 6 }).map((p) => p.join(".")),
        ),
        (token) => {
          expect(signer.verify(token).ok).toBe(false);
        },
      ),
    );
    expect(signer.verify("")).toEqual({ ok: false, reason: "malformed" });
    expect(signer.verify("a.".repeat(1_000_000))).toEqual({ ok: false, reason: "malformed" });
  });
});

describe("mistakes of the caller", () => {
  it.each<[string, () => unknown]>([
    ["ttlMs must be 1 to 86400000, got 0", () => createStreamTokenSigner({ secret, ttlMs: 0 })],
    ["ttlMs must be 1 to 86400000, got NaN", () => createStreamTokenSigner({ secret, ttlMs: Number.NaN })],
    ["ttlMs must be 1 to 86400000, got 86400001", () => createStreamTokenSigner({ secret, ttlMs: 86_400_001 })],
    ["secret must have at least 16 bytes, got 9", () => signerAt(0, "too short")],
    ["secret must have at least 16 bytes, got 0", () => signerAt(0, [secret, ""])],
    ["secret must be at least 1 secret, got 0", () => signerAt(0, [])],
    [
      "secret must be at most 8 secrets, got 9",
      () =>
        signerAt(
          0,
          Array.from({ length: 9 }, () => secret),
        ),
    ],
  ])("%s", (message, run) => {
    expect(run).toThrow(new RangeError(message));
  });

  it.each(["", "..", "a/b", "a b", "x".repeat(129)])("the call id %j", (id) => {
    expect(() => signerAt(0).sign(id)).toThrow(TypeError);
  });

  it("no secret is shown", () => {
    expect(inspect(signerAt(0), { depth: Infinity, showHidden: true })).not.toContain(secret);
  });
});
