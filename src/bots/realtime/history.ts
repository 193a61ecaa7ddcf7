/** What one has said, and the other heard. */
interface Said {
  readonly itemId: string;
  readonly role: "user" | "assistant" | "system";
  text: string;
}

/** A conversation is carried on in a new session with so much of it. */
const MAX_ENTRIES = 200;
const MAX_CHARACTERS = 40_000;

/** The conversation so far as text: what a new session is told when the old one is lost. Bounded; the oldest goes. */
export class History {
  readonly #said: Said[] = [];

  /** Something is said from here on; what, may be known later. */
  begin(itemId: string, role: Said["role"]): void {
    this.#said.push({ itemId, role, text: "" });
    if (this.#said.length > MAX_ENTRIES) this.#said.shift();
  }

  /** What was said, or heard of it. */
  set(itemId: string, text: string): void {
    const said = this.#said.findLast((entry) => entry.itemId === itemId);
    if (said !== undefined) said.text = text.slice(0, MAX_CHARACTERS);
  }

  /** Whether it is known what is to be answered: what was said last, but for an answer without a word so far. */
  get isLastKnown(): boolean {
    return this.#said.findLast(({ role, text }) => role !== "assistant" || text !== "")?.text !== "";
  }

  /** As items for `conversation.item.create`. */
  get items(): readonly Record<string, unknown>[] {
    let characters = 0;
    const recent = this.#said.findLastIndex(({ text }) => {
      characters += text.length;
      return characters > MAX_CHARACTERS;
    });
    return this.#said
      .slice(recent + 1)
      .filter(({ text }) => text !== "")
      .map(({ itemId, role, text }) => ({ id: itemId, ...messageItem(role, text) }));
  }
}

/** `item` of a `conversation.item.create`. */
export function messageItem(role: Said["role"], text: string): Record<string, unknown> {
  const type = role === "assistant" ? "output_text" : "input_text";
  return { type: "message", role, content: [{ type, text }] };
}

const UNSPACED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}";
/** With the space behind it; of what is written without spaces, a character. */
const WORD = new RegExp(`(?:[${UNSPACED}]|[^\\s${UNSPACED}]+)\\s*`, "gu");

/**
 * What was heard of a text, when so much of its audio was; in whole words. The service does not say when which word is
 * spoken, so they are taken to be spread evenly over what came.
 */
export function heardText(text: string, heardMs: number, audioMs: number): string {
  if (audioMs <= 0 || heardMs <= 0) return "";
  const whole = text.trim();
  const heardLength = whole.length * Math.min(1, heardMs / audioMs);
  let end = 0;
  for (const [word] of whole.matchAll(WORD)) {
    if (end + word.length > heardLength + 0.5) break;
    end += word.length;
  }
  return whole.slice(0, end).trimEnd();
}
