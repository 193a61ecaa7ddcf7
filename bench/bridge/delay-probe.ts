import type { Buffer } from "node:buffer";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { encodeAudioFrame, readFrame } from "../../src/pipecat/wire/index.ts";
import { noise } from "../../src/web/bench/signals.ts";
import { type Percentiles, percentilesOf } from "../percentiles.ts";
import { FrameCounter } from "../server/frame-counter.ts";
import { clientFrame, markEcho, mediaMessage, OPENING } from "../server/messages.ts";
import { openStream } from "../server/stream-socket.ts";
import { BOT_FRAME_PACKETS, SPEECH_RATE } from "./echo-bot.ts";

/** One step of the clock; each call has its packet in one of the 20 steps of a packet, its bot's frame 10 steps later. */
const STEP_MS = 1;
const STEPS_PER_PACKET = 20;
const STEPS_PER_BOT_FRAME = BOT_FRAME_PACKETS * STEPS_PER_PACKET;
const BOT_LATER_STEPS = 10;
/**
 * The bot says so many frames, and then nothing for as long as these: whatever a slow moment of the machine has left waiting
 * has been heard by then. The first frames of each utterance do not count: they are the cushion (`playoutDelayMs`).
 */
const [UTTERANCE_FRAMES, PAUSE_FRAMES, CUSHION_FRAMES] = [15, 10, 3];
const MAX_STEPS_AT_ONCE = STEPS_PER_PACKET;
const MARK_ECHO_MS = 60;
/** What is still on its way at the end. */
const DRAINING_MS = 500;

/** How long audio takes through the bridge. */
export interface Delays {
  /** From the write of the caller's media message until the bot has the frame. */
  readonly toBot: Percentiles;
  /** From the write of the bot's frame, with the cushion full, until the caller has the media message with its beginning. */
  readonly fromBot: Percentiles;
}

/** A call, both of whose ends are here. */
interface ProbeCall {
  readonly caller: Socket;
  readonly bot: WebSocket;
  readonly toBot: Way;
  readonly fromBot: Way;
}

/** What went one way of a call: when each piece was sent, whether it counts, and how long it took. */
interface Way {
  readonly sentAtMs: number[];
  readonly counts: boolean[];
  readonly tookMs: number[];
}

const botFrame = encodeAudioFrame(noise((SPEECH_RATE / 50) * BOT_FRAME_PACKETS), SPEECH_RATE);

/** Plays the callers and the bots of a server that bridges them, so that one clock sees both ends. */
export class DelayProbe {
  readonly #bots = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  readonly #calls: ProbeCall[] = [];

  /** Where the bots are; the server is to be told. */
  async listen(): Promise<string> {
    if (this.#bots.address() === null) await once(this.#bots, "listening");
    return `ws://127.0.0.1:${(this.#bots.address() as { port: number }).port}`;
  }

  /**
   * Has so many calls talk both ways in real time.
   *
   * @param port the server's
   * @param untilMs how long from the beginning nothing counts: code becomes fast, and the cushion of each call fills
   * @throws Error when something did not come through
   */
  async measure(port: number, calls: number, seconds: number, untilMs: number): Promise<Delays> {
    // One after the other: whose bot comes next is known then.
    for (let i = 0; i < calls; i++) this.#calls.push(await this.#open(port));
    const packets = Math.round((seconds * 1_000 + untilMs) / (STEP_MS * STEPS_PER_PACKET));
    await this.#talk(
      Array.from({ length: packets }, (_, i) => clientFrame(mediaMessage(i))),
      untilMs / STEP_MS,
    );
    const delays = { toBot: this.#percentiles("toBot"), fromBot: this.#percentiles("fromBot") };
    for (const { caller } of this.#calls.splice(0)) caller.destroy();
    return delays;
  }

  async #open(port: number): Promise<ProbeCall> {
    const connected = once(this.#bots, "connection") as Promise<[WebSocket]>;
    const caller = await openStream(port);
    for (const message of OPENING) caller.write(clientFrame(message));
    const [bot] = await connected;
    const call = { caller, bot, toBot: newWay(), fromBot: newWay() };
    let packets = 0;
    const counter = new FrameCounter(
      () => {
        if (packets++ % BOT_FRAME_PACKETS === 0) arrived(call.fromBot);
      },
      (payload) => {
        const echo = markEcho(payload.toString());
        if (echo !== undefined) setTimeout(() => caller.write(clientFrame(echo)), MARK_ECHO_MS);
      },
    );
    caller.on("data", (bytes) => counter.read(bytes));
    bot.on("message", (data) => {
      const nowMs = performance.now();
      if (readFrame(data as Buffer).kind === "audio") arrived(call.toBot, nowMs);
    });
    bot.on("error", () => {});
    return call;
  }

  async #talk(packets: readonly Buffer[], fromStep: number): Promise<void> {
    const steps = packets.length * STEPS_PER_PACKET;
    let startedAtMs = performance.now();
    let step = 0;
    await new Promise<void>((resolve) => {
      const clock = () => {
        // When this process was held up, what it has missed is left out: a bot that made up for it would be ahead from then on.
        startedAtMs = Math.max(startedAtMs, performance.now() - (step + MAX_STEPS_AT_ONCE) * STEP_MS);
        const due = Math.min(steps, Math.floor((performance.now() - startedAtMs) / STEP_MS));
        for (; step < due; step++) this.#step(step, packets, step >= fromStep);
        if (step === steps) resolve();
        else setTimeout(clock, STEP_MS);
      };
      clock();
    });
    await new Promise((resolve) => setTimeout(resolve, DRAINING_MS));
  }

  #step(step: number, packets: readonly Buffer[], counts: boolean): void {
    for (const [i, { caller, bot, toBot, fromBot }] of this.#calls.entries()) {
      if ((step - i) % STEPS_PER_PACKET === 0) {
        leaves(toBot, counts);
        caller.write(packets[Math.floor(step / STEPS_PER_PACKET)]!);
      }
      const botStep = step - (i % STEPS_PER_BOT_FRAME) - BOT_LATER_STEPS;
      if (botStep < 0 || botStep % STEPS_PER_BOT_FRAME !== 0) continue;
      const frame = (botStep / STEPS_PER_BOT_FRAME) % (UTTERANCE_FRAMES + PAUSE_FRAMES);
      if (frame >= UTTERANCE_FRAMES) continue;
      leaves(fromBot, counts && frame >= CUSHION_FRAMES);
      bot.send(botFrame);
    }
  }

  #percentiles(way: "toBot" | "fromBot"): Percentiles {
    const delays = this.#calls.flatMap((call) => {
      const { sentAtMs, counts, tookMs } = call[way];
      if (tookMs.length !== sentAtMs.length) {
        throw new Error(`the bridge was given ${sentAtMs.length} pieces of audio, and gave ${tookMs.length}`);
      }
      return tookMs.filter((_, i) => counts[i]);
    });
    return percentilesOf(delays);
  }

  close(): void {
    this.#bots.close();
  }
}

const newWay = (): Way => ({ sentAtMs: [], counts: [], tookMs: [] });

function leaves({ sentAtMs, counts }: Way, isCounted: boolean): void {
  counts.push(isCounted);
  sentAtMs.push(performance.now());
}

function arrived({ sentAtMs, tookMs }: Way, nowMs = performance.now()): void {
  tookMs.push(nowMs - (sentAtMs[tookMs.length] ?? nowMs));
}
