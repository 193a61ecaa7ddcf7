import type { Ask } from "./responses.ts";

/** What the model is asked to say beside answers. Instructions of a response take the place of the session's. */
export class Asks {
  readonly #instructions: string;

  constructor(instructions: string) {
    this.#instructions = instructions;
  }

  greeting(text: string): Ask {
    return this.#instructed(
      `The caller has just picked up and said nothing yet. Greet the caller with exactly these words: ${text}`,
    );
  }

  saying(text: string): Ask {
    return this.#instructed(`Say exactly this and nothing else: ${text}`);
  }

  /** The answer that was cut off with its session. */
  goingOn(): Ask {
    return this.#instructed(
      "The line broke while you were speaking, and the caller heard your last message only as far as it is shown. Go on " +
        "from there without a greeting and without repeating yourself.",
    );
  }

  #instructed(text: string): Ask {
    return { instructions: `${this.#instructions}\n\n${text}`, tool_choice: "none" };
  }
}
