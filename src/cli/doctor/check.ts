/** `unknown`: it cannot be told from here; `not-needed`: what was asked for goes without it. */
export type CheckState = "ok" | "mend" | "unknown" | "not-needed";

/** What was found about one part of a set-up. The text is one line, without keys, and with four digits of a number at most. */
export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly text: string;
}

const MARKS: Readonly<Record<CheckState, { mark: string; word: string; colour: number }>> = {
  ok: { mark: "✓", word: "ok", colour: 32 },
  mend: { mark: "✗", word: "mend", colour: 31 },
  unknown: { mark: "?", word: "cannot tell", colour: 33 },
  "not-needed": { mark: "–", word: "not needed", colour: 90 },
};

/** A check as a line for a person. */
export function lineOf({ name, state, text }: Check, inColour: boolean): string {
  const { mark, word, colour } = MARKS[state];
  const verdict = `${mark} ${word.padEnd(11)}`;
  return `  ${inColour ? `\u001b[${colour}m${verdict}\u001b[0m` : verdict}  ${name.padEnd(16)} ${text}`;
}

/** Of a key or a number: as much as tells it from another. */
export function lastFour(text: string): string {
  return text.length < 8 ? "…" : `…${text.slice(-4)}`;
}
