import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Call, createWavixTransport, packetClock, type WavixTransportOptions } from "../../src/call/index.ts";
import { defaultCodec } from "../../src/codec/index.ts";
import {
  CancelFrame,
  EndFrame,
  type Frame,
  InputAudioRawFrame,
  InputDTMFFrame,
  InterruptionFrame,
  MarkFrame,
  OutputAudioRawFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  TTSStoppedFrame,
} from "../../src/pipecat/index.ts";
import { FakeSocket } from "../support/fake-socket.ts";
import { noise } from "../support/signals.ts";

let socket: FakeSocket;
let hangUps: number;

function open(options: Partial<WavixTransportOptions> = {}) {
  const control = { hangUp: async () => void hangUps++ };
  return createWavixTransport({ socket, control, facts: { callId: "call-1", from: "+12025550143" }, ...options });
}

/** Speech at the wire's rate, so that samples can be compared. */
const speech = (ms: number) => new OutputAudioRawFrame({ audio: noise(24 * ms), sampleRate: 24000 });
const packets = () => socket.events().filter((event) => event === "media").length;
/** Lets promises settle, without time passing. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  socket = new FakeSocket();
  hangUps = 0;
});

afterEach(async () => {
  socket.cut();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(packetClock.size).toBe(0);
  expect(defaultCodec().openResamplers).toBe(0);
  vi.useRealTimers();
});

describe("from the caller", () => {
  it("hands a bot the call at start, with what came before it listened", async () => {
    const transport = open();
    const frames: Frame[] = [];
    const bot = vi.fn(async (call: Call) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      call.onFrame((frame) => frames.push(frame));
      await call.closed;
    });
    void transport.run(bot);
    expect(bot).not.toHaveBeenCalled();
    socket.start();
    socket.media(noise(480));
    socket.media(noise(480));
    await settle();
    expect(bot).toHaveBeenCalledTimes(1);
    expect(transport).toMatchObject({ callId: "call-1", streamId: "stream-1", from: "+12025550143" });
    await vi.advanceTimersByTimeAsync(50);
    expect(frames).toHaveLength(2);
    expect(frames[0]).toBeInstanceOf(InputAudioRawFrame);
    expect(frames[0]).toMatchObject({ sampleRate: 16000, numFrames: 320, pts: 0 });
    expect(frames[1]).toMatchObject({ pts: 20_000_000 });
    socket.media();
    expect(frames).toHaveLength(3);
    transport.deliver(new InputDTMFFrame({ button: "5" }));
    expect(frames[3]).toBeInstanceOf(InputDTMFFrame);
  });

  it("begins with media when start is missing", async () => {
    const bot = vi.fn(async (call: Call) => void (await call.closed));
    void open().run(bot);
    socket.media();
    await settle();
    expect(bot).toHaveBeenCalledTimes(1);
  });

  it("iterates, ends the iteration with the call, and loses only the oldest of a bot that is slow", async () => {
    const transport = open();
    const seen: (number | null)[] = [];
    void transport.run(async (call) => {
      for await (const frame of call.frames()) {
        seen.push(frame.pts);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    });
    socket.start();
    await settle();
    for (let i = 0; i < 260; i++) socket.media();
    expect(transport.stats.framesDropped).toBe(10);
    await vi.advanceTimersByTimeAsync(100);
    expect(seen.slice(0, 3)).toEqual([10, 11, 12].map((i) => i * 20_000_000));
    socket.say({ event: "stop", stream_id: "stream-1" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toHaveLength(250);
    expect((await transport.closed).reason).toBe("stop");
  });

  it("counts garbage and goes on", async () => {
    const transport = open();
    const bot = vi.fn(async (call: Call) => void (await call.closed));
    void transport.run(bot);
    for (const garbage of ["{", "[]", "null", '{"event":"dtmf"}', '{"event":"media","media":null}'])
      socket.say(garbage);
    socket.say(Uint8Array.of(1, 2, 3));
    socket.emit("error", new Error("reset"));
    socket.start();
    socket.media();
    await settle();
    expect(bot).toHaveBeenCalledTimes(1);
    expect(transport.stats).toMatchObject({ packetsIn: 1, binaryMessages: 1 });
    expect(transport.drops).toMatchObject({ "bad-json": 1, "not-an-object": 2, "unknown-event": 1, "bad-media": 1 });
  });
});

describe("to the caller", () => {
  it("sends early audio ahead, then in real time, each packet once and named", async () => {
    const transport = open();
    socket.start();
    const frame = speech(1_000);
    await transport.send(frame);
    expect(packets()).toBe(10);
    await vi.advanceTimersByTimeAsync(400);
    expect(packets()).toBe(30);
    await vi.advanceTimersByTimeAsync(600);
    const bytes = Buffer.concat(socket.sent.map(({ media }) => Buffer.from(media?.payload ?? "", "base64")));
    expect(new Int16Array(Uint8Array.from(bytes).buffer)).toEqual(frame.audio);
    expect(socket.sent.every(({ stream_id }) => stream_id === "stream-1")).toBe(true);
    expect(transport.stats).toMatchObject({ packetsOut: 50, starvations: 0 });
  });

  it("stops the clock when there is nothing to send", async () => {
    const transport = open();
    await transport.send(speech(300));
    expect(packetClock.size).toBe(1);
    await vi.advanceTimersByTimeAsync(300);
    expect(packetClock.size).toBe(0);
  });

  it("holds a bot back at 30 s of audio, and cuts nothing", async () => {
    const transport = open();
    socket.start();
    let accepted = 0;
    const talking = (async () => {
      for (let i = 0; i < 40; i++, accepted++) await transport.send(speech(1_000));
    })();
    await settle();
    // 200 ms are with Wavix already, so there was room for one more second.
    expect(accepted).toBe(31);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(accepted).toBe(36);
    await vi.advanceTimersByTimeAsync(36_000);
    await talking;
    expect(packets()).toBe(2_000);
  });

  it("takes one frame that is longer than the queue", async () => {
    const transport = open({ idleTimeoutMs: 100_000 });
    socket.start();
    let taken = false;
    void transport.send(speech(70_000)).then(() => {
      taken = true;
    });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(taken).toBe(false);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(taken).toBe(true);
    expect(packets()).toBe(3_500);
  });

  it("refuses a bot that floods without awaiting, by code", async () => {
    const transport = open();
    const sends = Array.from({ length: 1_040 }, () => transport.send(speech(1_000)));
    const outcomes = Promise.allSettled(sends);
    transport.interrupt();
    const refused = (await outcomes).filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(refused).toHaveLength(9);
    expect(refused[0]?.reason).toMatchObject({ code: "CALL_FLOODED" });
  });

  it("interrupts at once: queue, waiting frames and Wavix's buffer, and says what was heard", async () => {
    const transport = open();
    socket.start();
    const waiting = Promise.all(Array.from({ length: 35 }, () => transport.send(speech(1_000))));
    await vi.advanceTimersByTimeAsync(1_000);
    const heardAll = transport.waitForPlayout();
    const sentBefore = packets();
    const { heardMs, droppedMs } = transport.interrupt();
    expect(heardMs).toBeCloseTo(1_000, 0);
    expect(heardMs + droppedMs).toBeCloseTo(35_000, 0);
    expect(socket.sent.at(-1)).toEqual({ event: "clear", stream_id: "stream-1" });
    await heardAll;
    await waiting;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(packets()).toBe(sentBefore);
    expect(transport.unheardMs).toBe(0);
    expect(transport.stats.interruptions).toBe(1);
    // And it can speak again, from the beginning.
    await transport.send(speech(200));
    expect(packets()).toBe(sentBefore + 10);
  });

  it("pads and sends the rest of an utterance: at its end, or when nothing more comes", async () => {
    const transport = open();
    socket.start();
    await transport.send(speech(40));
    await transport.send(speech(30));
    expect(packets()).toBe(3);
    await transport.send(new TTSStoppedFrame());
    expect(packets()).toBe(4);
    await vi.advanceTimersByTimeAsync(1_000);
    await transport.send(speech(70));
    await vi.advanceTimersByTimeAsync(100);
    expect(packets()).toBe(8);
    expect(transport.stats.starvations).toBe(0);
  });

  it("keeps transport messages in order with the audio, urgent ones not, and RTVI off the line", async () => {
    const transport = open();
    socket.start();
    await transport.send(speech(400));
    await transport.send(new OutputTransportMessageFrame({ message: { event: "mark", mark: { name: "mine" } } }));
    await transport.send(new OutputTransportMessageUrgentFrame({ message: { event: "urgent" } }));
    await transport.send(new OutputTransportMessageFrame({ message: { label: "rtvi-ai", type: "bot-ready" } }));
    await vi.advanceTimersByTimeAsync(1_000);
    const events = socket.events();
    expect(events.indexOf("urgent")).toBe(10);
    expect(events.indexOf("mark")).toBe(21);
    expect(events).toHaveLength(22);
    const marks: Frame[] = [];
    transport.onFrame((frame) => marks.push(frame));
    socket.echoMarks();
    expect(marks[0]).toBeInstanceOf(MarkFrame);
    expect(marks[0]).toMatchObject({ markName: "mine" });
  });

  it("waits until Wavix says it has played, or the clock says so", async () => {
    const transport = open();
    socket.start();
    await transport.send(speech(500));
    let heard = false;
    const wait = () => {
      heard = false;
      void transport.waitForPlayout().then(() => {
        heard = true;
      });
    };
    wait();
    await vi.advanceTimersByTimeAsync(480);
    expect(socket.sent.at(-1)).toMatchObject({ event: "mark", mark: { name: expect.stringMatching(/^pw-/) } });
    expect(heard).toBe(false);
    socket.echoMarks();
    await settle();
    expect(heard).toBe(true);
    // No echo: two seconds after the end of the audio.
    await transport.send(speech(500));
    wait();
    await vi.advanceTimersByTimeAsync(2_400);
    expect(heard).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(heard).toBe(true);
    await transport.waitForPlayout();
  });

  it("says what is wrong with a frame, and lives on", async () => {
    const transport = open();
    const odd = new OutputAudioRawFrame({ audio: new Int16Array(10), sampleRate: 12345 });
    await expect(transport.send(odd)).rejects.toThrow(/sampleRate must be one of/);
    await transport.send(speech(200));
    expect(packets()).toBe(10);
  });

  it("drops what a socket does not take, counted, and gives it up after ten seconds", async () => {
    const transport = open();
    socket.start();
    void transport.run(async (call) => void (await call.closed));
    await settle();
    socket.bufferedAmount = 600_000;
    void transport.send(speech(20_000));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(transport.stats.packetsDropped).toBeGreaterThan(200);
    expect(packets()).toBe(0);
    socket.bufferedAmount = 0;
    await vi.advanceTimersByTimeAsync(100);
    expect(packets()).toBe(5);
    socket.bufferedAmount = 600_000;
    await vi.advanceTimersByTimeAsync(13_000);
    expect(await transport.closed).toMatchObject({ reason: "socket-stalled" });
  });
});

describe("odd frames", () => {
  it("of no length cost nothing, and spoil no figure", async () => {
    const transport = open();
    socket.start();
    const sends = [
      speech(60_000),
      new OutputAudioRawFrame({ audio: new Uint8Array(0), sampleRate: 24000 }),
      speech(100),
    ];
    const settled = Promise.all(sends.map((frame) => transport.send(frame)));
    expect(transport.unheardMs).toBeCloseTo(60_100, 0);
    expect(transport.interrupt().droppedMs).toBeCloseTo(60_100, 0);
    await settled;
  });

  it("of a minute are made ready a second at a time", async () => {
    const transport = open();
    socket.start();
    const minute = transport.send(new OutputAudioRawFrame({ audio: new Int16Array(44_100 * 60), sampleRate: 44100 }));
    const convert = vi.spyOn(defaultCodec().core, "convert");
    await vi.advanceTimersByTimeAsync(20);
    const samples = convert.mock.calls.reduce((sum, [, frames]) => sum + frames, 0);
    expect(samples).toBeGreaterThan(0);
    expect(samples).toBeLessThanOrEqual(2 * 44_100);
    convert.mockRestore();
    transport.interrupt();
    await minute;
  });

  it("keep a message in its place when more audio lies ready behind it", async () => {
    const transport = open();
    socket.start();
    await transport.send(speech(40));
    await transport.send(new OutputTransportMessageFrame({ message: { event: "here" } }));
    await transport.send(speech(400));
    await vi.advanceTimersByTimeAsync(500);
    expect(socket.events().indexOf("here")).toBe(2);
    expect(packets()).toBe(22);
  });

  it("give two readers their end", async () => {
    const transport = open();
    const read = async (call: Call) => {
      for await (const frame of call.frames()) void frame;
    };
    void transport.run(async (call) => void (await Promise.all([read(call), read(call)])));
    socket.start();
    await settle();
    socket.media();
    socket.say({ event: "stop", stream_id: "stream-1" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await transport.closed).reason).toBe("stop");
  });
});

describe("the end", () => {
  it("by the bot: last packet, mark, playout, hang-up once, stop, close", async () => {
    const order: string[] = [];
    const transport = open({ control: { hangUp: async () => void order.push(`hang-up after ${packets()} packets`) } });
    const closed = transport.run(async (call) => {
      await call.send(speech(510));
    });
    socket.start();
    await vi.advanceTimersByTimeAsync(400);
    expect(packets()).toBe(26);
    expect(socket.events().at(-1)).toBe("mark");
    expect(order).toEqual([]);
    await vi.advanceTimersByTimeAsync(120);
    socket.echoMarks();
    await settle();
    expect(order).toEqual(["hang-up after 26 packets"]);
    expect(socket.readyState).toBe(1);
    socket.say({ event: "stop", stream_id: "stream-1" });
    await settle();
    expect(socket.closeCode).toBe(1000);
    expect(await closed).toEqual({ endedBy: "bot", reason: "bot-ended" });
    expect(order).toHaveLength(1);
    expect(socket.events()).not.toContain("clear");
    expect(transport.signal.aborted).toBe(true);
  });

  it("waits at most two seconds for an echo and two for stop", async () => {
    const closed = open().run(async (call) => {
      await call.send(speech(200));
    });
    socket.start();
    await vi.advanceTimersByTimeAsync(2_150);
    expect(hangUps).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(hangUps).toBe(1);
    expect(socket.readyState).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(socket.closeCode).toBe(1000);
    await closed;
  });

  it("by a frame: EndFrame is heard out, CancelFrame is not", async () => {
    for (const [frame, clears] of [
      [new EndFrame({ reason: "goodbye" }), 0],
      [new CancelFrame(), 1],
    ] as const) {
      socket = new FakeSocket();
      const transport = open();
      socket.start();
      await transport.send(speech(2_000));
      const sending = transport.send(frame);
      await expect(transport.send(speech(20))).rejects.toMatchObject({ code: "CALL_OVER" });
      await vi.advanceTimersByTimeAsync(10_000);
      await sending;
      expect(socket.events().filter((event) => event === "clear")).toHaveLength(clears);
      expect(packets()).toBe(clears === 0 ? 100 : 10);
      expect((await transport.closed).reason).toBe(clears === 0 ? "goodbye" : "cancelled");
    }
    expect(hangUps).toBe(2);
  });

  it("hurries when a second reason comes while the goodbye is still being heard", async () => {
    const transport = open();
    socket.start();
    void transport.send(speech(5_000));
    void transport.hangUp();
    await vi.advanceTimersByTimeAsync(100);
    void transport.end({ endedBy: "server", reason: "drain", now: true });
    await settle();
    expect(hangUps).toBe(1);
    expect(socket.events().at(-1)).toBe("clear");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await transport.closed).toEqual({ endedBy: "bot", reason: "hang-up" });
  });

  it.each([
    [
      "at once",
      () => {
        throw new Error("bot broke");
      },
    ],
    [
      "later",
      async () => {
        await new Promise((_, reject) => setTimeout(() => reject(new Error("bot broke")), 30));
      },
    ],
    [
      "in its listener",
      async (call: Call) => {
        call.onFrame(() => {
          throw new Error("bot broke");
        });
        await call.closed;
      },
    ],
  ])("by a bot that fails %s: silence and hang-up now", async (_when, bot) => {
    const transport = open();
    const closed = transport.run(bot);
    socket.start();
    await settle();
    socket.media();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await closed).toMatchObject({ endedBy: "bot", reason: "bot-failed", error: { message: "bot broke" } });
    expect(socket.events()).toEqual(["clear"]);
    expect(hangUps).toBe(1);
  });

  it("by the caller: no hang-up when a webhook confirms it, one when none does", async () => {
    for (const confirmed of [true, false]) {
      hangUps = 0;
      socket = new FakeSocket();
      const transport = open();
      let sending: Promise<void> | undefined;
      void transport.run(async (call) => {
        await call.send(speech(3_000));
        sending = call.waitForPlayout();
        await sending;
        await call.send(speech(3_000));
      });
      socket.start();
      await settle();
      socket.say({ event: "stop", stream_id: "stream-1" });
      await settle();
      expect(transport.signal.aborted).toBe(true);
      await sending;
      if (confirmed) transport.callOver("completed");
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await transport.closed).toEqual({ endedBy: "caller", reason: "stop" });
      expect(hangUps).toBe(confirmed ? 0 : 1);
      expect(socket.closeCode).toBe(1000);
    }
  });

  it("by a socket that is cut: the call is hung up", async () => {
    const transport = open();
    socket.start();
    socket.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await transport.closed).toMatchObject({ reason: "socket-closed" });
    expect(hangUps).toBe(1);
  });

  it("by a socket that does not answer the closing handshake", async () => {
    socket.answersClose = false;
    const transport = open({ control: undefined });
    void transport.end({ endedBy: "server", reason: "drain", now: true });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.terminated).toBe(true);
    expect((await transport.closed).reason).toBe("drain");
  });

  it("reports a hang-up that failed", async () => {
    const failure = new Error("REST is down");
    const transport = open({ control: { hangUp: () => Promise.reject(failure) } });
    void transport.end({ endedBy: "server", reason: "drain", now: true });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await transport.closed).toEqual({ endedBy: "server", reason: "drain", error: failure });
  });

  it("by time: no start, silence, too long", async () => {
    const none = open({ startTimeoutMs: 500 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await none.closed).reason).toBe("no-start");
    for (const [options, reason] of [
      [{ idleTimeoutMs: 700 }, "idle"],
      [{ maxCallMs: 5_000 }, "too-long"],
    ] as const) {
      socket = new FakeSocket();
      const transport = open(options);
      socket.start();
      for (let i = 0; i < 30; i++) {
        await vi.advanceTimersByTimeAsync(20);
        socket.media();
      }
      expect(transport.signal.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(9_000);
      expect((await transport.closed).reason).toBe(reason);
    }
    expect(hangUps).toBe(3);
  });

  it("by a codec that trapped: the call ends, others go on", async () => {
    const transport = open({ audioInSampleRate: 16000 });
    const other = createWavixTransport({ socket: new FakeSocket() });
    socket.start();
    const codec = defaultCodec();
    const readMedia = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    Object.assign(codec.core, { exports: { ...codec.core.exports, readMedia } });
    socket.media();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await transport.closed).toMatchObject({ reason: "codec-failed", error: { code: "CODEC_TRAP" } });
    await other.send(new InterruptionFrame());
    await other.send(new OutputAudioRawFrame({ audio: noise(3_200), sampleRate: 16000 }));
    expect(other.stats.packetsOut).toBe(10);
    void other.end({ endedBy: "server", reason: "done", now: true });
    await vi.advanceTimersByTimeAsync(2_000);
  });

  it("goes to its end whatever fails on the way", async () => {
    const failure = new WebAssembly.RuntimeError("unreachable");
    for (const [what, now] of [
      ["convert", false],
      ["reset", true],
      ["send", true],
    ] as const) {
      hangUps = 0;
      socket = new FakeSocket();
      const transport = open();
      socket.start();
      await transport.send(new OutputAudioRawFrame({ audio: noise(480), sampleRate: 16000 }));
      const broken = () => {
        throw failure;
      };
      if (what === "send") socket.send = broken;
      else {
        const { core } = defaultCodec();
        Object.assign(core, { exports: { ...core.exports, [what]: broken } });
      }
      void transport.end({ endedBy: "server", reason: "drain", now });
      await vi.advanceTimersByTimeAsync(5_000);
      const { reason, error } = await transport.closed;
      expect([reason, error instanceof Error]).toEqual(["drain", true]);
      expect(hangUps).toBe(1);
      expect(socket.readyState).toBe(3);
      expect(transport.signal.aborted).toBe(true);
    }
  });

  it("does not wait for a hang-up that is never answered", async () => {
    const transport = open({ control: { hangUp: () => new Promise(() => {}) } });
    void transport.end({ endedBy: "server", reason: "drain", now: true });
    await vi.advanceTimersByTimeAsync(40_000);
    expect(await transport.closed).toMatchObject({ error: { message: "the hang-up was not answered in time" } });
  });

  it("settles ready, too, when there was no start", async () => {
    const transport = open();
    void transport.end({ endedBy: "server", reason: "drain", now: true });
    expect(await transport.ready).toBeNull();
    expect(transport.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(5_000);
  });

  it("leaves the call up when only the socket is given up", async () => {
    const transport = open();
    void transport.end({ endedBy: "server", reason: "replaced", now: true, keepCall: true });
    await settle();
    expect((await transport.closed).reason).toBe("replaced");
    expect(hangUps).toBe(0);
  });

  it("checks its options", () => {
    expect(() => open({ playoutDelayMs: -1 })).toThrow(/playoutDelayMs must be at least 0, got -1/);
    expect(() => open({ audioInSampleRate: 12345 })).toThrow(RangeError);
  });
});
