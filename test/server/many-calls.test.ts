import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import type { Bot } from "../../src/call/index.ts";
import { OutputAudioRawFrame } from "../../src/pipecat/index.ts";
import type { Behaviour, Fault } from "../../src/simulator/index.ts";
import { it } from "../support/open-server.ts";
import { sine } from "../support/signals.ts";

const speech = (ms: number) => new OutputAudioRawFrame({ audio: sine(440, 8_000, 8 * ms), sampleRate: 8_000 });

const bots: Bot[] = [
  echoBot({ greetingMs: 100 }),
  (call) => call.send(speech(200)),
  () => {
    throw new Error("the bot is broken");
  },
  () => new Promise(() => {}),
  async (call) => {
    void call.send(speech(10_000));
    void call.hangUp();
    await call.send(speech(20));
  },
];

const behaviours: Partial<Behaviour>[] = [
  {},
  { webhookCopies: 2, webhookOrder: "at-once" },
  { replyAfterSocket: true },
  { sendStart: false },
  { sendStart: false, mediaDuringSilence: false },
  { mediaDuringSilence: false },
  { streamEnd: "close-only" },
  { streamEnd: "stop-only" },
  { endOrder: "webhook-first" },
  { eventWhenCompleted: null, eventWhenCallerGaveUp: null },
  { serverCloseEndsCall: true },
  { markEchoDelayMs: 500 },
];

const faults: Fault[] = [
  { operation: "answerCall", kind: "status", status: 500 },
  { operation: "answerCall", kind: "status", status: 500, carriesOut: true },
  { operation: "answerCall", kind: "status", status: 503 },
  { operation: "answerCall", kind: "no-answer" },
  { operation: "answerCall", kind: "no-answer", carriesOut: true },
  { operation: "answerCall", kind: "delay", delayMs: 300 },
  { operation: "answerCall", kind: "reset", carriesOut: true },
  { operation: "startStream", kind: "status", status: 500 },
  { operation: "startStream", kind: "reset", carriesOut: true },
  { operation: "hangUp", kind: "reset", carriesOut: true },
  { operation: "hangUp", kind: "delay", delayMs: 200 },
];

const delayMs = fc.integer({ min: 1, max: 1_000 });
/** One call: when it comes, what goes wrong with it, and how its caller behaves. */
const plan = fc.record({
  placeAfterMs: delayMs,
  bot: fc.constantFrom(...bots),
  behaviour: fc.constantFrom(...behaviours),
  fault: fc.option(fc.constantFrom(...faults)),
  hangUpAfterMs: fc.option(delayMs),
  dropSocketAfterMs: fc.option(delayMs),
  ringTimeoutMs: fc.integer({ min: 1, max: 3_000 }),
});

it("many calls at once, and all that can go wrong with them, leave nothing behind", async ({ open }) => {
  const seed = randomInt(2 ** 31);
  const botOf = new Map<string, Bot>();
  let resets = 0;
  const { simulator, placeCall, log, server } = await open({
    bot: (call) => botOf.get(call.callId as string)?.(call),
    answer: seed % 2 === 0 ? "with-stream" : "then-stream",
    idleTimeoutMs: 400,
    maxCallMs: 1_500,
    startTimeoutMs: 400,
    restTimeoutMs: 3_000, // a busy machine is not a failing Wavix
  });
  const calls = await Promise.all(
    fc.sample(plan, { seed, numRuns: 60 }).map(async (one) => {
      await sleep(one.placeAfterMs);
      // A fault meets whoever asks next: three in a row would be a hang-up that fails for good.
      const isOneTooMany = one.fault?.operation === "hangUp" && one.fault.kind === "reset" && ++resets > 2;
      if (one.fault !== null && !isOneTooMany) simulator.injectFault(one.fault);
      const { behaviour, ringTimeoutMs, hangUpAfterMs } = one;
      const call = placeCall({ behaviour, ringTimeoutMs, ...(hangUpAfterMs === null ? {} : { hangUpAfterMs }) });
      botOf.set(call.id, one.bot);
      if (one.dropSocketAfterMs !== null) void sleep(one.dropSocketAfterMs).then(() => call.dropSocket());
      return call;
    }),
  );
  // No caller is left on a silent line.
  await expect
    .poll(() => calls.filter(({ state }) => state !== "ended").length, { message: `seed ${seed}`, timeout: 15_000 })
    .toBe(0);
  await Promise.all(calls.map((call) => call.ended));
  await expect.poll(() => server.callCount, { timeout: 5_000 }).toBe(0);
  expect(log.count("call ended"), `seed ${seed}`).toBe(log.count("call offered"));
  const errors = log.lines.filter(({ level }) => level >= 50).map((line) => JSON.stringify(line));
  expect(errors, `seed ${seed}`).toEqual([]);
});
