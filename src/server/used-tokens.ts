/** Tokens that have done their work, until they would not be good any more anyway. */
export class UsedTokens {
  readonly #expiryMs = new Map<string, number>();

  has(tokenId: string): boolean {
    return this.#expiryMs.has(tokenId);
  }

  add(tokenId: string, expiresAtMs: number): void {
    // All live equally long, so the oldest come first. What bounds the map is the number of calls in that time.
    for (const [id, expiry] of this.#expiryMs) {
      if (expiry > Date.now()) break;
      this.#expiryMs.delete(id);
    }
    // A copy: what was cut out of the token would keep the whole of it, and its URL.
    this.#expiryMs.set(Buffer.from(tokenId).toString(), expiresAtMs);
  }
}
