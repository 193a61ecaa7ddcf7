import type { Behaviour } from "./behaviour.ts";

/**
 * Loses, repeats and swaps the media messages of one stream, as its behaviour has it. By count and not by chance, so that
 * a test knows what is to come.
 *
 * @example
 * const disorder = new MediaDisorder({ ...defaultBehaviour, losesEveryPacket: 3 });
 * for (const message of messages) for (const sent of disorder.pass(message)) socket.send(sent);
 */
export class MediaDisorder {
  readonly #behaviour: Behaviour;
  #count = 0;
  #held: string | null = null;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  /** Whether a behaviour has any. */
  static isIn({ losesEveryPacket, repeatsEveryPacket, swapsEveryPacket }: Behaviour): boolean {
    return losesEveryPacket + repeatsEveryPacket + swapsEveryPacket > 0;
  }

  /** What is sent, in this order, when it is this message's turn. */
  pass(message: string): readonly string[] {
    const { losesEveryPacket, repeatsEveryPacket, swapsEveryPacket } = this.#behaviour;
    this.#count += 1;
    const held = this.#held;
    this.#held = null;
    const behind = held === null ? [] : [held];
    if (this.#isTurnOf(losesEveryPacket)) return behind;
    if (this.#isTurnOf(swapsEveryPacket) && held === null) {
      this.#held = message;
      return [];
    }
    return this.#isTurnOf(repeatsEveryPacket) ? [message, message, ...behind] : [message, ...behind];
  }

  #isTurnOf(every: number): boolean {
    return every > 0 && this.#count % every === 0;
  }
}
