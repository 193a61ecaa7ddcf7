import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type CartesiaOptions, CartesiaTTSService } from "../../../src/bots/voice/services/cartesia/index.ts";
import {
  type ErrorFrame,
  type Frame,
  InterruptionFrame,
  LLMFullResponseEndFrame,
  LLMFullResponseStartFrame,
  LLMTextFrame,
  pipeline,
  TTSAudioRawFrame,
  TTSSpeakFrame,
  TTSTextFrame,
} from "../../../src/pipecat/index.ts";
import { Arrivals } from "../../support/arrivals.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The voice, and a Cartesia whose every message the test says. */
async function puppet(options: Partial<CartesiaOptions> = {}) {
  const http = createServer();
  const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  const sockets = new Arrivals<WebSocket>();
  const requests = new Arrivals<Fields>();
  webSockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data) => requests.add(JSON.parse(String(data)) as Fields));
    sockets.add(socket);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const baseUrl = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const tts = new CartesiaTTSService({ apiKey: "key", baseUrl, retryDelayMs: 5, audioTimeoutMs: 1_000, ...options });
  const frames = new Arrivals<Frame>();
  const errors: ErrorFrame[] = [];
  const line = pipeline([tts], {
    onError: (error) => void errors.push(error),
    onPushFrame: ({ source, frame }) => {
      if (source === tts) frames.add(frame);
    },
  });
  const over = line.run();
  await sockets.first(() => true);
  return {
    tts,
    errors,
    requests,
    sockets,
    frames,
    push: (...pushed: Frame[]) => {
      for (const frame of pushed) void line.queueFrame(frame);
    },
    say: (message: Fields) => sockets.all.at(-1)?.send(JSON.stringify({ status_code: 200, done: false, ...message })),
    transcript: async (text: string) => {
      const request = await requests.first(({ transcript }) => String(transcript).trim() === text);
      return String(request.context_id);
    },
    words: () => frames.all.flatMap((frame) => (frame instanceof TTSTextFrame ? frame.text : [])).join(" "),
    bytes: () =>
      Buffer.concat(
        frames.all.flatMap((frame) => (frame instanceof TTSAudioRawFrame ? (frame.audio as Uint8Array) : [])),
      ),
    async [Symbol.asyncDispose]() {
      line.cancel();
      await over;
      const stopped = once(http, "close");
      http.close();
      for (const client of webSockets.clients) client.terminate();
      await stopped;
    },
  };
}

const chunk = (context_id: string, bytes: number, fill = 1) => ({
  type: "chunk",
  context_id,
  data: Buffer.alloc(bytes, fill).toString("base64"),
});
const told = (context_id: string, words: string[], end: number[]) => ({
  type: "timestamps",
  context_id,
  word_timestamps: { words, start: end.map(() => 0), end },
});
const MS = 48;

describe("Cartesia", () => {
  it("that is done before a sentence was begun: it is said in another context, and told when it was", async () => {
    await using scene = await puppet();
    scene.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "One two. Three four. " }));
    const id = await scene.transcript("Three four.");
    scene.say(told(id, ["One", "two"], [0.1, 0.2]));
    scene.say(chunk(id, 200 * MS));
    scene.say({ type: "done", context_id: id, done: true });
    scene.push(new LLMFullResponseEndFrame());
    await scene.requests.first(
      ({ context_id, transcript }) => context_id !== id && String(transcript).includes("Three four."),
    );
    const next = String(scene.requests.all.at(-1)?.context_id);
    expect(scene.words()).toBe("One two.");
    scene.say(told(next, ["Three", "four"], [0.1, 0.2]));
    scene.say(chunk(next, 200 * MS));
    scene.say({ type: "done", context_id: next, done: true });
    await scene.frames.first((frame) => frame instanceof LLMFullResponseEndFrame);
    expect(scene.words()).toBe("One two. Three four.");
    expect(scene.bytes().length).toBe(400 * MS);
  });

  it("that complains of a cancelled context, by name or not, does not end the next", async () => {
    await using scene = await puppet();
    scene.push(new TTSSpeakFrame({ text: "Old words." }));
    const old = await scene.transcript("Old words.");
    scene.push(new InterruptionFrame(), new TTSSpeakFrame({ text: "New words." }));
    const id = await scene.transcript("New words.");
    scene.say({ type: "error", context_id: old, title: "Context cancelled", status_code: 400 });
    scene.say({ type: "error", context_id: "nobody", title: "Unknown context", status_code: 404 });
    scene.say(chunk(old, 100 * MS, 9));
    scene.say({ type: "done", context_id: old, done: true });
    scene.say(chunk(id, 101 * MS + 1));
    scene.say({ type: "done", context_id: id, done: true });
    scene.push(new LLMFullResponseStartFrame());
    await scene.frames.first((frame) => frame instanceof LLMFullResponseStartFrame);
    expect(scene.errors).toEqual([]);
    expect(scene.bytes().includes(9)).toBe(false);
    // Half a sample was missing.
    expect(scene.bytes().length).toBe(101 * MS + 2);
    expect(scene.words()).toBe("New words.");
    expect(scene.tts.counters.late_chunks).toBe(1);
  });

  it("that has said goodbye and does not hang up is left at once: nobody waits for its audio", async () => {
    await using scene = await puppet({ audioTimeoutMs: 30_000 });
    const [first] = scene.sockets.all;
    await sleep(20);
    first?.pause();
    (first as unknown as { _socket: { write(data: Buffer): void } })._socket.write(
      Buffer.from([0x88, 0x02, 0x03, 0xe8]),
    );
    await sleep(20);
    scene.push(new TTSSpeakFrame({ text: "Is anybody there?" }));
    const id = await scene.transcript("Is anybody there?");
    scene.say(chunk(id, 100 * MS));
    scene.say({ type: "done", context_id: id, done: true });
    scene.push(new LLMFullResponseStartFrame());
    await scene.frames.first((frame) => frame instanceof LLMFullResponseStartFrame);
    expect(scene.errors).toEqual([]);
    expect(scene.sockets.all).toHaveLength(2);
  });

  it("that is done without audio says so, once, and the next is said", async () => {
    await using scene = await puppet();
    scene.push(new TTSSpeakFrame({ text: "Nothing." }), new TTSSpeakFrame({ text: "Something." }));
    scene.say({ type: "done", context_id: await scene.transcript("Nothing."), done: true });
    const id = await scene.transcript("Something.");
    scene.say(chunk(id, 100 * MS));
    scene.say({ type: "done", context_id: id, done: true });
    scene.push(new LLMFullResponseStartFrame());
    await scene.frames.first((frame) => frame instanceof LLMFullResponseStartFrame);
    expect(scene.errors.map(({ error }) => error)).toEqual(["CartesiaTTSService: Cartesia made no audio of the text"]);
    expect(scene.words()).toBe("Something.");
  });
});
