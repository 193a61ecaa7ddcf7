/** A span of time after which `signal` aborts, unless {@link TimeLimit.end} comes first. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Whether the time ran out; `false` when it was the parent that aborted. */
  readonly expired: boolean;
  /** Takes timer and listener down. Always call it. */
  end(): void;
}

/**
 * Starts a time limit under a parent signal. `AbortSignal.any` and `AbortSignal.timeout` would do, but Node 20 keeps what
 * `any` makes for as long as the parent lives, and the parent may be the whole server's.
 *
 * @internal
 */
export function startTimeLimit(limitMs: number, parent: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController();
  let expired = false;
  const onAbort = () => controller.abort(parent?.reason);
  const timer = setTimeout(() => {
    expired = !controller.signal.aborted;
    controller.abort();
  }, limitMs);
  if (parent?.aborted) onAbort();
  else parent?.addEventListener("abort", onAbort, { once: true });

  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    end() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", onAbort);
    },
  };
}
