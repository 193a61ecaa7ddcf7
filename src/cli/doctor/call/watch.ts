/** What the call says after it is over is not waited for. */
export class CallIsOver extends Error {
  override readonly name = "CallIsOver";
}

/** Lets a script wait for what others see, with a limit. */
export class Watch {
  readonly #checks = new Set<() => void>();
  readonly #startedAtMs = performance.now();
  /** Moments and what happened, for people. Without ids, numbers, or what was said. */
  readonly timeline: { readonly ms: number; readonly what: string }[] = [];

  /** Since the first webhook, in ms. */
  get nowMs(): number {
    return Math.round((performance.now() - this.#startedAtMs) * 10) / 10;
  }

  /** Beyond 1000 nothing is kept: a call of a minute has a hundred. */
  note(what: string): void {
    if (this.timeline.length < 1_000) this.timeline.push({ ms: this.nowMs, what });
    this.changed();
  }

  /** Something that somebody may wait for is now otherwise. */
  changed(): void {
    for (const check of [...this.#checks]) check();
  }

  /** What `look` finds, as soon as it finds something; null when the time is up. */
  until<T>(limitMs: number, look: () => T | undefined | false | null): Promise<T | null> {
    return new Promise((resolve) => {
      const settle = (value: T | null) => {
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve(value);
      };
      const check = () => {
        const found = look();
        if (found !== undefined && found !== false && found !== null) settle(found);
      };
      const timer = setTimeout(() => settle(null), limitMs);
      this.#checks.add(check);
      check();
    });
  }
}
