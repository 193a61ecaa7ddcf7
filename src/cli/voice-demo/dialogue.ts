import { setTimeout as sleep } from "node:timers/promises";
import type { Ear, SimulatedCall } from "../../simulator/index.ts";
import { type OpenAIReply, standInSpeech } from "../../simulator/services/index.ts";

export const GREETING = "Hello, this is the pizzeria. What can I get you?";
/** The answer that the caller does not hear to its end. */
export const LONG_ANSWER =
  "Today we have margherita, funghi, quattro stagioni with artichokes and ham, calzone, and a very good capricciosa.";

/** What the caller says. It coughs once, which is sound without words. */
const QUESTION = "Which pizzas do you have today?";
const INTERRUPTION = "I would like the margherita please.";
const GOODBYE = "No thank you, that is all, goodbye.";

export const UTTERANCES = [QUESTION, INTERRUPTION, null, GOODBYE];
export const REPLIES: (OpenAIReply | string)[] = [
  LONG_ANSWER,
  "One margherita, ready in twenty minutes. Would you like anything else?",
  { text: "Thank you for calling, and see you soon!", toolCalls: [{ name: "end_call" }] },
];

const WIRE_SAMPLE_RATE = 24_000;
/** After so much silence the caller takes it that the bot has finished. */
const TURN_TAKING_MS = 500;
const COUGH_MS = 160;

/** What the caller did that the report tells of; on the caller's timeline, in ms. */
export interface Dialogue {
  /** When the caller began to speak into the bot's answer. */
  readonly interruptedAtMs: number;
  /** The last sound of that answer. */
  readonly silentAtMs: number;
}

/**
 * The caller's part: waits for the greeting, asks, speaks into the answer in the middle of a word, coughs into the next one
 * and says goodbye.
 */
export async function converse(call: SimulatedCall, ear: Ear, signal: AbortSignal): Promise<Dialogue> {
  const say = (text: string) => spoken(call, standInSpeech(text, WIRE_SAMPLE_RATE).pcm);
  await ear.sound(signal);
  await ear.silence(TURN_TAKING_MS, signal);

  say(QUESTION);
  await ear.sound(signal);
  await pause(2_130, signal);
  const { startMs, endMs } = say(INTERRUPTION);
  await pause(endMs - startMs, signal);
  // The bot has been silent for a while, and its next answer is not there yet.
  const silentAtMs = ear.lastSoundMs ?? endMs;

  await ear.sound(signal);
  await pause(600, signal);
  spoken(call, cough());
  await ear.silence(TURN_TAKING_MS, signal);

  say(GOODBYE);
  await ear.sound(signal);
  return { interruptedAtMs: startMs, silentAtMs };
}

function spoken(call: SimulatedCall, pcm: Int16Array): { startMs: number; endMs: number } {
  const clip = call.say(pcm);
  if (clip === null) throw new Error("the call was over before the caller had said everything");
  return clip;
}

/** Noise that dies away. Not random: every demo is the same. */
function cough(): Int16Array {
  const samples = new Int16Array((WIRE_SAMPLE_RATE * COUGH_MS) / 1_000);
  let state = 1;
  for (const i of samples.keys()) {
    state = (state * 48_271) % 2_147_483_647;
    samples[i] = (state / 2_147_483_647 - 0.5) * 12_000 * (1 - i / samples.length);
  }
  return samples;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}
