import type { CallControl } from "../call/index.ts";
import type { WavixRestClient } from "../wavix/control/index.ts";

/**
 * What a bot may ask of Wavix for one call. What nobody awaits takes nobody down when it fails.
 *
 * @param signal with it, what is still asked for is given up; not so the hang-up
 */
export function controlOf(rest: WavixRestClient, callId: string, signal: AbortSignal): CallControl {
  const unattended = <T>(asking: Promise<T>): Promise<T> => {
    asking.catch(() => {});
    return asking;
  };
  return {
    hangUp: () => unattended(rest.hangUp(callId)),
    collect: (options) => unattended(rest.collect(callId, options, { signal })),
    play: (options) => unattended(rest.play(callId, options, { signal })),
  };
}
