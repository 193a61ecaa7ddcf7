import { type Frame, InputDTMFFrame, InputTransportMessageFrame, type KeypadEntry } from "../pipecat/index.ts";
import type { CallEvent } from "../wavix/control/index.ts";

/** Ends that are remembered: a webhook is repeated soon, or not at all. */
const REMEMBERED_ENDS = 32;

/**
 * What a bot gets of the collects of its call: the keys of one that is completed, then that it is over. Wavix says no more
 * of keys until it is asked to collect again.
 */
export class CollectedKeys {
  /** By time and outcome, in their order. The same keys another time are another end. */
  readonly #ends = new Set<string>();

  /** The frames that an event is to a bot; none for one that is no end of a collect, or came before. */
  framesOf({ payload, eventTime }: CallEvent): Frame[] {
    if (payload?.type !== "collect" || payload.status === "started") return [];
    const { status, digits } = payload;
    if (eventTime !== undefined && this.#isRepeated(`${eventTime} ${status} ${digits}`)) return [];
    const keys = status === "completed" ? [...digits].filter((digit) => /^[\d*#]$/.test(digit)) : [];
    return [
      ...keys.map((key) => new InputDTMFFrame({ button: key as KeypadEntry })),
      new InputTransportMessageFrame({ message: { event: "collect", status, digits } }),
    ];
  }

  #isRepeated(end: string): boolean {
    if (this.#ends.has(end)) return true;
    this.#ends.add(end);
    if (this.#ends.size > REMEMBERED_ENDS) {
      const [oldest] = this.#ends;
      this.#ends.delete(oldest as string);
    }
    return false;
  }
}
