import { strict as assert } from "node:assert";
import { concat } from "../../src/web/bench/signals.ts";
import { importCodec } from "../peers/codec.ts";
import { talk } from "../server/check.ts";
import { callerSamples, WIRE_RATE } from "../server/messages.ts";
import { BOT_RATE } from "./echo-bot.ts";

const PACKETS = 60;
/**
 * This part of what the caller says is looked for in what it hears: earlier if the beginning was lost (soxr's stream in
 * Pipecat forgets what it holds when nothing comes for 0.2 s, as when a Python process has its first call), later if the
 * bot or its resampler takes its time.
 */
const [FROM_SAMPLE, TO_SAMPLE] = [0.3 * WIRE_RATE, 0.8 * WIRE_RATE];
/** An echo whose samples last until the next one has 0.75; with something else noise has 0.04. */
const LEAST_CORRELATION = 0.6;

/**
 * Looks whether the caller gets back what it says, as the bot hears it, in packets of 960 bytes.
 *
 * @param isExact sample by sample; else it must sound the same
 */
export async function assertEcho(row: string, port: number, isExact: boolean): Promise<void> {
  const { loadCodecSync } = await importCodec();
  const codec = loadCodecSync();
  const said = concat(Array.from({ length: PACKETS }, (_, i) => callerSamples(i)));
  const heardByBot = codec.createResampler(WIRE_RATE, BOT_RATE).process(said);
  const expected = codec.createResampler(BOT_RATE, WIRE_RATE).process(heardByBot);
  const heard = await talk(port, row, PACKETS);
  if (isExact) {
    // Not deepEqual: it would print them all.
    const wrong = expected.findIndex((sample, i) => sample !== heard[i]);
    assert.equal(wrong, -1, `${row}: sample ${wrong} is ${heard[wrong]}, not ${expected[wrong]}`);
    return;
  }
  const wanted = expected.subarray(FROM_SAMPLE, TO_SAMPLE);
  let found = 0;
  for (let at = 0; at + wanted.length <= heard.length; at++) {
    found = Math.max(found, correlation(wanted, heard.subarray(at, at + wanted.length)));
  }
  assert.ok(found >= LEAST_CORRELATION, `${row}: what came back is something else (correlation ${found.toFixed(2)})`);
}

function correlation(a: Int16Array, b: Int16Array): number {
  let [both, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i]! * b[i]!;
    ofA += a[i]! ** 2;
    ofB += b[i]! ** 2;
  }
  return ofA === 0 || ofB === 0 ? 0 : both / Math.sqrt(ofA * ofB);
}
