import { setTimeout as sleep } from "node:timers/promises";
import { expect, vi } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import type { Bot } from "../../src/call/index.ts";
import { loadCodecSync } from "../../src/codec/index.ts";
import { OutputAudioRawFrame, TTSStoppedFrame } from "../../src/pipecat/index.ts";
import { MediaClient, type StreamMessage } from "./media-client.ts";
import type { StubServer } from "./open-server.ts";
import { concat, expectSameSamples, noise, split } from "./signals.ts";

const ECHO = "bystander-echo-";
const SPEECH = "bystander-speech-";
const PACKET_MS = 20;
const PACKET_SAMPLES = 480;
/** A busy machine is not a fault. */
const PATIENCE = { timeout: 8_000, interval: 10 };

const base64 = ({ buffer, byteOffset, byteLength }: Int16Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");
const packets = (samples: Int16Array) => [...split(samples, [PACKET_SAMPLES])].map(base64);

/** What a caller says, over and over: a second of noise, which no packet resembles another in. */
const said = (seed: number) => packets(noise(24_000, seed));

/** What a bot says, in utterances of a length that fills no packet, at a rate that is not the wire's. */
const utterances = (seed: number) => [1_013, 1_121, 1_247].map((ms, i) => noise(16 * ms, 10 * seed + i + 1));
/** In pieces, between which the resampler has a past to lose; so far ahead that a machine out of breath makes no gap. */
const PIECE_MS = 50;
const AHEAD_MS = 800;

/** What is heard of them: each resampled by itself by a codec of this one's own, and filled up to whole packets. */
const spoken = (seed: number) =>
  utterances(seed).flatMap((utterance) => {
    using resampler = loadCodecSync().createResampler(16_000, 24_000);
    const sound = concat([resampler.process(utterance), resampler.flush()]);
    const whole = new Int16Array(Math.ceil(sound.length / PACKET_SAMPLES) * PACKET_SAMPLES);
    whole.set(sound);
    return packets(whole);
  });

const echo = echoBot({ greetingMs: 0 });
const speaker: Bot = async (call) => {
  const seed = Number(call.callId?.slice(SPEECH.length));
  const say = (audio: Int16Array) => call.send(new OutputAudioRawFrame({ audio, sampleRate: 16_000 }));
  call.onFrame(() => {});
  for (;;) {
    for (const utterance of utterances(seed)) {
      for (const piece of split(utterance, [16 * PIECE_MS])) {
        while (call.unheardMs > AHEAD_MS) await sleep(PIECE_MS / 2);
        await say(piece);
      }
      await call.send(new TTSStoppedFrame());
    }
  }
};

/** The bot of a server that has bystanders: `bot` is that of all other calls. Its frames must be of 24 kHz. */
export function besides(bot: Bot): Bot {
  return (call) => {
    if (call.callId?.startsWith(ECHO)) return echo(call);
    return call.callId?.startsWith(SPEECH) ? speaker(call) : bot(call);
  };
}

/** One call in which all goes well. */
class Bystander {
  readonly callId: string;
  /** Packets that came back, and those the caller has said. */
  heardCount = 0;
  saidCount = 0;
  readonly #client: MediaClient;
  readonly #said: readonly string[] | undefined;
  readonly #expected: readonly string[];
  #wrong: { at: number; heard: string } | undefined;

  constructor(callId: string, client: MediaClient) {
    this.callId = callId;
    this.#client = client;
    const seed = Number(callId.slice(callId.lastIndexOf("-") + 1));
    this.#said = callId.startsWith(ECHO) ? said(seed) : undefined;
    this.#expected = this.#said ?? spoken(seed);
    client.socket.on("message", (data: Buffer) => this.#hear(JSON.parse(data.toString()) as StreamMessage));
  }

  get echoes(): boolean {
    return this.#said !== undefined;
  }

  get isUp(): boolean {
    return this.#client.socket.readyState === 1;
  }

  speak(): void {
    const payload = this.#said?.[this.saidCount % this.#said.length];
    this.saidCount++;
    this.#client.send({
      event: "media",
      media:
        payload === undefined ? { payload: SILENCE, track: "inbound" } : { payload, chunk: String(this.saidCount) },
    } as StreamMessage);
  }

  #hear({ event, media }: StreamMessage): void {
    if (event !== "media" || media === undefined) return;
    const expected = this.#expected[this.heardCount % this.#expected.length];
    if (media.payload !== expected) this.#wrong ??= { at: this.heardCount, heard: media.payload };
    this.heardCount++;
  }

  /** All that was heard so far is what was said, sample by sample. */
  expectUntouched(): void {
    if (this.#wrong !== undefined) {
      const { at, heard } = this.#wrong;
      const samples = (payload: string) => new Int16Array(new Uint8Array(Buffer.from(payload, "base64")).buffer);
      expectSameSamples(samples(heard), samples(this.#expected[at % this.#expected.length] as string));
      throw new Error(`${this.callId}: packet ${at} differs`);
    }
    expect([this.callId, this.isUp]).toEqual([this.callId, true]);
  }

  async leave({ post, log, rest }: StubServer): Promise<void> {
    await post({ id: this.callId, event_type: "completed" });
    this.#client.send({ event: "stop" });
    await this.#client.closed;
    const line = await log.line("call ended", this.callId);
    expect(line).toMatchObject({ endedBy: "caller", reason: "completed", packetsIn: this.saidCount });
    // Everything that was sent has come, and nothing else.
    expect(line).toMatchObject({ packetsOut: this.heardCount });
    const none = ["packetsDropped", "framesDropped", "messagesDropped", "messagesUnsent", "discontinuities"];
    const inbound = ["packetsLost", "packetsLate", "packetsDuplicated", "numberJumps"];
    expect(line).toMatchObject(Object.fromEntries([...none, ...inbound].map((name) => [name, 0])));
    expect(line.error).toBeUndefined();
    expect(rest.count("hangUp", this.callId)).toBe(0);
  }
}

const SILENCE = base64(new Int16Array(PACKET_SAMPLES));

/**
 * Calls that go on beside others of the same server: in some the caller is echoed, in some the bot speaks. Whatever
 * becomes of the others, every sample of these arrives, once and in its turn.
 *
 * @example
 * const bystanders = await Bystanders.join(await openWithStub({ bot: besides(badBot), sampleRate: 24_000 }));
 * // … the fault …
 * await bystanders.leave();
 */
export class Bystanders {
  readonly #server: StubServer;
  readonly #all: Bystander[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(server: StubServer) {
    this.#server = server;
  }

  /** Places the calls, half of each kind; settles when all of them are heard. */
  static async join(server: StubServer, count = 4): Promise<Bystanders> {
    const bystanders = new Bystanders(server);
    for (let i = 0; i < count; i++) {
      const callId = `${i % 2 === 0 ? ECHO : SPEECH}${i}`;
      await server.announce(callId);
      const client = await MediaClient.open(await server.rest.streamUrl(callId));
      bystanders.#all.push(new Bystander(callId, client));
      client.start(callId, `stream-${i}`);
    }
    bystanders.#speak();
    await bystanders.expectUntouched();
    return bystanders;
  }

  get count(): number {
    return this.#all.length;
  }

  /** In real time; what the process was too late for comes at once. */
  #speak(): void {
    const startedAtMs = performance.now();
    this.#timer = setInterval(() => {
      const due = Math.floor((performance.now() - startedAtMs) / PACKET_MS);
      for (const bystander of this.#all) while (bystander.saidCount < due && bystander.isUp) bystander.speak();
    }, PACKET_MS);
  }

  /** What is said from now on is heard, and all that was heard before is untouched. */
  async expectUntouched(): Promise<void> {
    const before = this.#all.map(({ echoes, saidCount, heardCount }) => (echoes ? saidCount : heardCount));
    const hear = () => this.#all.filter(({ heardCount }, i) => heardCount > (before[i] as number));
    const ids = (calls: readonly Bystander[]) => calls.map(({ callId }) => callId);
    await vi.waitFor(() => expect(ids(hear())).toEqual(ids(this.#all)), PATIENCE);
    for (const bystander of this.#all) bystander.expectUntouched();
  }

  /** They fall silent, hear what is on its way, and hang up. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    const echoes = this.#all.filter((bystander) => bystander.echoes);
    const counts = (name: "heardCount" | "saidCount") => echoes.map((bystander) => bystander[name]);
    await vi.waitFor(() => expect(counts("heardCount")).toEqual(counts("saidCount")), PATIENCE);
    for (const bystander of this.#all) bystander.expectUntouched();
    await Promise.all(this.#all.map((bystander) => bystander.leave(this.#server)));
  }
}
