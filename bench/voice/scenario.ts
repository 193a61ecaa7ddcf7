import { noise } from "../../src/web/bench/signals.ts";

/** What the calls go to. `echo` is the yardstick: the same call without a conversation. */
export const BOT_NAMES = ["voice", "realtime", "echo"] as const;
export type BotName = (typeof BOT_NAMES)[number];

export const WIRE_RATE = 24_000;

/**
 * A recognizer must hear silence to know that a turn is over: so much of it is the script's and not the bot's. It decides
 * after this and before the packet ends, whether the resampler has smeared the last of the sound into the silence or not.
 */
export const SCRIPTED_MS = 280;
export const RECOGNIZER_SILENCE_MS = 270;
/** Flux is sure enough of the end of a turn at this confidence, which rises with the silence. */
const EOT_THRESHOLD = 0.7;
export const CERTAIN_MS = Math.floor(RECOGNIZER_SILENCE_MS / EOT_THRESHOLD);

/** How long a word of the caller takes to be understood. Its length is enough to interrupt a bot (`VOICE_MIN_SPEECH_MS`). */
export const MS_PER_WORD = 240;
const CALLER_WORDS = "well what would you say to that".split(" ");

/** What is understood of sound tells how long it was: a call that does not get its own caller's audio has another text. */
export const textOfSound = (durationMs: number) =>
  CALLER_WORDS.slice(0, Math.max(1, Math.floor(durationMs / MS_PER_WORD))).join(" ");

/** Whole packets, and ends in the middle of a word: a text is not one word more or less for 10 ms. */
const QUESTION_MS = 840;
const INTERRUPTION_MS = 600;

/** Ends as sharply as sound can, so that it is known when the caller has stopped. */
const sound = (durationMs: number) => noise((WIRE_RATE / 1_000) * durationMs).map((sample) => sample >> 2);

export const QUESTION = { text: textOfSound(QUESTION_MS), samples: sound(QUESTION_MS), durationMs: QUESTION_MS };
export const INTERRUPTION = {
  text: textOfSound(INTERRUPTION_MS),
  samples: sound(INTERRUPTION_MS),
  durationMs: INTERRUPTION_MS,
};

export const GREETING = "Hello caller.";
/** Of the question; it is interrupted. The stand-ins take 300 ms for a word. */
export const LONG_ANSWER = "There is a lot to be said about that and I will say all of it if you let me.";
/** Of the interruption; it is heard to its end. */
export const SHORT_ANSWER = "Then that is settled.";

/** What the model answers to the caller's first, second, … turn. */
export function answerTo(turn: number): string {
  if (turn === 0) return GREETING;
  return turn % 2 === 1 ? LONG_ANSWER : SHORT_ANSWER;
}

/** How much of the long answer the caller hears before speaking into it. */
export const PATIENCE_MS = 600;
/** After so much silence the caller takes it that the bot has finished. */
export const TURN_TAKING_MS = 300;

/** A question, its answer, an interruption and its answer: about so long, and begun by the calls one after the other. */
export const CYCLE_MS = 4_500;
