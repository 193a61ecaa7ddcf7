import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import type { Bot, Call } from "../../../src/call/index.ts";
import { OutputAudioRawFrame, OutputTransportMessageFrame } from "../../../src/pipecat/index.ts";
import { faultScene, stopWhenHungUp, streamingCall } from "../../support/fault-scene.ts";
import { noise } from "../../support/signals.ts";

/** Not at the wire's rate: it takes a resampler. */
const speech = (ms: number) => new OutputAudioRawFrame({ audio: noise(16 * ms), sampleRate: 16_000 });
const packet = speech(20);
const failure = () => new Error("the bot is broken");
/** An error that throws whatever is asked of it. */
const unreadable = new Proxy(failure(), {
  get() {
    throw failure();
  },
});

/** Bots that end their call, all as failed. */
const failing: Record<string, Bot> = {
  "throws at once": () => {
    throw failure();
  },
  "throws what is no error": () => {
    throw undefined;
  },
  "throws an error that cannot be read": () => {
    throw unreadable;
  },
  "rejects later": async (call) => {
    void call.send(speech(10_000));
    await sleep(50);
    throw failure();
  },
  "throws in its listener": (call) => {
    call.onFrame(() => {
      throw failure();
    });
    return call.closed.then(() => {});
  },
  "rejects in its listener": (call) => {
    call.onFrame(() => Promise.reject(failure()));
    return call.closed.then(() => {});
  },
  "listens twice": (call) => {
    call.onFrame(() => {});
    call.onFrame(() => {});
  },
  "begins utterances without end": (call) => {
    for (;;) {
      call.beginUtterance();
      void call.send(packet);
    }
  },
};

/** Whether the bots that go on after their call may stop. */
let over = false;
const untilOver = async (action: () => unknown) => {
  while (!over) {
    await action();
    await sleep(1);
  }
};

/** Bots that do not end: their callers hang up. */
const lasting: Record<string, (call: Call) => unknown> = {
  "hangs for ever": () => new Promise(() => {}),
  "hangs in its listener": (call) => {
    call.onFrame(() => new Promise(() => {}));
    return new Promise(() => {});
  },
  "never reads": (call) => call.closed,
  "ignores its signal": (call) => untilOver(() => call.send(packet).catch(() => {})),
  "speaks without end": async (call) => {
    for (;;) await call.send(speech(1_000));
  },
  "speaks without waiting": (call) => {
    for (let i = 0; i < 5_000; i++) void call.send(packet);
    return call.closed;
  },
  "sends messages without waiting": (call) => {
    void call.send(speech(60_000));
    for (let i = 0; i < 5_000; i++) void call.send(new OutputTransportMessageFrame({ message: { event: "x" } }));
    return call.closed;
  },
  "interrupts itself without end": (call) => {
    for (let i = 0; i < 5_000; i++) {
      void call.send(packet);
      call.interrupt();
    }
    return call.closed;
  },
  "throws when its call is over": async (call) => {
    await call.closed;
    throw failure();
  },
  "throws in its listener when its call is over": async (call) => {
    call.onFrame(() => {
      if (call.signal.aborted) throw failure();
    });
    await call.closed;
    call.onFrame(() => {
      throw failure();
    });
  },
  "goes on with its call when that is over": async (call) => {
    const asks = () => [call.send(packet), call.waitForPlayout(), call.hangUp(), call.control?.hangUp()];
    await call.closed;
    for (const _ of asks());
    call.interrupt();
    await call.send(packet);
  },
};

const bots = Object.entries({ ...failing, ...lasting }).map(([does, bot]) => [does.replaceAll(" ", "-"), bot] as const);

describe("a bot that", () => {
  const of = new Map(bots);
  const bot: Bot = (call) => of.get(call.callId ?? "")?.(call) as Promise<void>;
  const scene = faultScene({ bot, concurrent: true });

  it.concurrent.for(Object.keys(failing))("%s loses its call, and no other", async (does, { expect }) => {
    const callId = does.replaceAll(" ", "-");
    const client = await streamingCall(scene(), callId);
    client.media();
    await stopWhenHungUp(scene(), callId, client);
    expect(await scene().log.line("call ended", callId)).toMatchObject({ endedBy: "bot", reason: "bot-failed" });
    expect(scene().rest.count("hangUp", callId)).toBe(1);
  });

  it.concurrent.for(Object.keys(lasting))("%s has its call until the caller hangs up", async (does, { expect }) => {
    const callId = does.replaceAll(" ", "-");
    const client = await streamingCall(scene(), callId);
    for (let i = 0; i < 20; i++) {
      client.media();
      await sleep(20);
    }
    expect(client.socket.readyState).toBe(1);
    await scene().announce(callId, { event_type: "completed" });
    await client.stop();
    expect(await scene().log.line("call ended", callId)).toMatchObject({ endedBy: "caller", reason: "completed" });
    // Some of them go on as if nothing had happened.
    await sleep(100);
    over ||= callId === "ignores-its-signal";
  });

  it.concurrent("waits for what it said again and again is refused, as what it says is", async ({ expect }) => {
    const waits = new Set<Promise<void>>();
    const flood = (call: Call) => {
      for (let i = 0; i < 10_000; i++) {
        call.send(packet).catch(() => {});
        waits.add(call.waitForPlayout());
      }
      return call.closed;
    };
    of.set("waits", flood as never);
    const client = await streamingCall(scene(), "waits");
    // What is held is bounded by 30 s of audio and 1000 frames that wait.
    expect(waits.size).toBeLessThan(30_000 / 20 + 1_000 + 20);
    await scene().announce("waits", { event_type: "completed" });
    await client.stop();
  });
});
