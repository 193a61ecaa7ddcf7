import type { UtteranceEnd } from "../../call/index.ts";
import { EndFrame, type KeypadEntry } from "../../pipecat/index.ts";
import {
  AudioFrameWriter,
  clientMessage,
  clientReady,
  dtmf,
  encodeFrame,
  FrameReader,
  parseRtvi,
  parseServerRequest,
  type ServerRequest,
  versionAtLeast,
} from "../../pipecat/wire/index.ts";
import type { Line, Protocol } from "./protocol.ts";

/** One interruption is told in up to three ways, which come one after the other. */
const SAME_INTERRUPTION_MS = 1_000;
/** After a signal that comes before the bot has stopped, what it had on its way is old; it is seldom more than this. */
const STALE_MS = 300;

/** Requests to play that Wavix has not answered yet. */
const MAX_PLAY_REQUESTS = 10;

/** The ways in which bots say that they were interrupted; which of them a version has, docs/pipecat.md says. */
type Signal = "frame" | "bot-interrupted" | "user-started-speaking";

/**
 * Pipecat's own protocol: protobuf frames, and RTVI messages beside the audio. What is asked and told beyond these goes in
 * RTVI's messages for applications, under names that begin with `wavix-`.
 */
export class PipecatProtocol implements Protocol {
  readonly inputSampleRate: number;
  readonly #line: Line;
  readonly #writer: AudioFrameWriter;
  readonly #reader = new FrameReader();
  /** Whether the bot's Pipecat has an interruption frame; what came before 1.3 has not. */
  #hasInterruptionFrame = true;
  #interruption: { atMs: number; signals: Set<Signal> } | undefined;
  /** Keys that were told in RTVI's own way, by the id of their message: what came before 1.5 answers that it does not know it. */
  readonly #keys = new Map<string, KeypadEntry>();
  #knowsDtmf = true;
  #playRequests = 0;

  constructor(line: Line, inputSampleRate: number) {
    this.inputSampleRate = inputSampleRate;
    this.#line = line;
    this.#writer = new AudioFrameWriter(inputSampleRate, 1);
  }

  opened(): void {
    const { callId, streamId, from, to } = this.#line.call;
    this.#tell(clientReady());
    this.#tell(clientMessage("wavix-call", { call_id: callId, stream_id: streamId, from, to }));
  }

  audio(samples: Int16Array): void {
    this.#line.send(this.#writer.write(samples));
  }

  key(button: KeypadEntry): void {
    if (!this.#knowsDtmf) {
      this.#tell(clientMessage("wavix-dtmf", { button }));
      return;
    }
    const { id, text } = dtmf(button);
    if (this.#keys.size >= 20) this.#keys.clear();
    this.#keys.set(id, button);
    this.#tell(text);
  }

  mark(): void {}

  heard({ heardMs, durationMs, interrupted, measuredBy }: UtteranceEnd): void {
    const played = { heard_ms: Math.round(heardMs), duration_ms: Math.round(durationMs), interrupted };
    this.#tell(clientMessage("wavix-playback", { ...played, measured_by: measuredBy }));
  }

  callOver(): void {}

  received(data: Buffer, isBinary: boolean): void {
    const { speech, counters } = this.#line;
    if (!isBinary) {
      counters.unknown_messages++;
      return;
    }
    const frame = this.#reader.read(data);
    if (frame.kind === "audio") speech.say(frame.audio, frame.sampleRate, frame.numChannels);
    else if (frame.kind === "interruption") this.#interrupted("frame");
    else if (frame.kind === "message") this.#message(frame.data);
    else if (frame.kind === "malformed") counters.malformed_messages++;
    else if (frame.kind === "unknown") counters.unknown_messages++;
  }

  #message(text: string): void {
    const { speech, counters } = this.#line;
    const message = parseRtvi(text);
    switch (message.kind) {
      case "bot-ready":
        // Not RTVI's version: 1.4 and newer answer with the one they were asked in.
        this.#hasInterruptionFrame = !isBefore(message.libraryVersion, 1, 3);
        this.#knowsDtmf = !isBefore(message.libraryVersion, 1, 5);
        break;
      case "bot-started-speaking":
        speech.fresh();
        break;
      case "bot-stopped-speaking":
        speech.fresh();
        speech.stopped();
        break;
      case "bot-interrupted":
        this.#interrupted("bot-interrupted");
        break;
      case "user-started-speaking":
        // Whoever has the frame may have a reason not to be interrupted.
        if (!this.#hasInterruptionFrame && speech.isHeard) this.#interrupted("user-started-speaking");
        break;
      case "error-response":
        this.#refused(message.id);
        break;
      case "server-message":
        this.#asked(message.data);
        break;
      case "malformed":
        counters.malformed_messages++;
        break;
    }
  }

  /** Takes back what was not heard; once for one interruption, in however many ways it is told. */
  #interrupted(signal: Signal): void {
    const { speech } = this.#line;
    const nowMs = performance.now();
    const last = this.#interruption;
    if (last !== undefined && nowMs - last.atMs < SAME_INTERRUPTION_MS && !last.signals.has(signal)) {
      last.signals.add(signal);
    } else {
      this.#interruption = { atMs: nowMs, signals: new Set([signal]) };
      speech.interrupt(STALE_MS);
    }
    // Pipecat stops its audio before it writes the frame.
    if (signal === "frame") speech.fresh();
  }

  #refused(id: string): void {
    const button = this.#keys.get(id);
    if (button === undefined) return;
    this.#knowsDtmf = false;
    this.#keys.delete(id);
    this.key(button);
  }

  /** The bot asks for something that happens on the call. */
  #asked(data: unknown): void {
    const request = parseServerRequest(data);
    if (request === undefined) return;
    if (!request.ok) {
      this.failed(request.request, new TypeError(request.message));
      return;
    }
    void this.#do(request).catch((error: unknown) => this.failed(request.request, error));
  }

  async #do(request: Extract<ServerRequest, { ok: true }>): Promise<void> {
    const { call, keypad } = this.#line;
    switch (request.request) {
      case "wavix-hang-up":
        await call.send(new EndFrame({ reason: request.reason ?? null }));
        break;
      case "wavix-collect":
        keypad.want(request.collect, request.repeat);
        break;
      case "wavix-collect-stop":
        keypad.stop();
        break;
      case "wavix-play":
        if (call.control?.play === undefined) throw new Error("there is no REST side to this call");
        if (this.#playRequests >= MAX_PLAY_REQUESTS)
          throw new Error(`${MAX_PLAY_REQUESTS} such requests are not answered yet`);
        this.#playRequests++;
        await call.control.play({ audioFile: request.audioFile }).finally(() => this.#playRequests--);
    }
  }

  failed(request: string, error: unknown): void {
    this.#line.counters.requests_failed++;
    const { code, message } = error as { code?: unknown; message?: unknown };
    this.#tell(clientMessage("wavix-error", { request, code: code ?? "failed", message: String(message) }));
  }

  #tell(rtvi: string): void {
    this.#line.send(encodeFrame({ kind: "message", data: rtvi }));
  }
}

/** Whether a bot runs with a Pipecat older than this; one that does not say so is new. */
function isBefore(version: string | undefined, major: number, minor: number): boolean {
  return version !== undefined && !versionAtLeast(version, major, minor);
}
