import type { ConversationEvent, TurnFigures } from "../bots/voice/index.ts";
import type { Call } from "../call/index.ts";

/** A line of a conversation as people read it. */
export interface TranscriptLine {
  /** Since the beginning, in ms. */
  readonly atMs: number;
  readonly who: "caller" | "bot" | "";
  readonly text: string;
}

/** What happened, as a line. */
export function lineOf(event: ConversationEvent, atMs: number): TranscriptLine {
  switch (event.type) {
    case "user":
      return { atMs, who: "caller", text: event.text };
    case "bot":
      return { atMs, who: "bot", text: event.interrupted ? `${event.text} …  (cut off here)` : event.text };
    case "interruption":
      return { atMs, who: "", text: `the caller interrupts${event.text === "" ? "" : `: «${event.text}»`}` };
    case "false-start":
      return { atMs, who: "", text: `not enough to interrupt: «${event.text}»` };
    case "trouble":
      return { atMs, who: "", text: `trouble: ${event.message}` };
    case "turn":
      return { atMs, who: "", text: `answered ${share(event.figures)}` };
  }
}

function share({ answerMs, sttMs, llmMs, ttsMs, playoutMs }: TurnFigures): string {
  const ms = (value: number | undefined) => (value === undefined ? "?" : Math.round(value));
  return `in ${ms(answerMs)} ms: listening ${ms(sttMs)}, thinking ${ms(llmMs)}, speaking ${ms(ttsMs)}, line ${ms(playoutMs)}`;
}

/** A line for a terminal. */
export function textOf({ atMs, who, text }: TranscriptLine): string {
  return `  ${(atMs / 1_000).toFixed(1).padStart(5)} s  ${who.padEnd(7)} ${text}`;
}

/** Shows the conversations of all calls, each by the first letters of its id. */
export function transcriptPrinter(print: (line: string) => void): (event: ConversationEvent, call: Call) => void {
  const startedAtMs = new WeakMap<Call, number>();
  return (event, call) => {
    const nowMs = performance.now();
    const startMs = startedAtMs.get(call) ?? nowMs;
    startedAtMs.set(call, startMs);
    print(`  ${(call.callId ?? "").slice(0, 6).padEnd(6)}${textOf(lineOf(event, nowMs - startMs))}`);
  };
}
