import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Python } from "./environments.ts";

const SCRIPT = fileURLToPath(new URL("bots/wavix_serializer.py", import.meta.url));
const OFFLINE = fileURLToPath(new URL("bots/offline", import.meta.url));

/** The frame that it makes of a message. */
export interface OriginalFrame {
  type: string;
  samples: Int16Array;
  sampleRate: number;
  numChannels: number;
}

/** The WavixFrameSerializer of the Python package pipecat-wavix, in a process of its own. One question at a time. */
export class OriginalSerializer {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #printed = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.#printed = (this.#printed + text).slice(-10_000);
    });
    if (child.stdout === null) throw new Error("the child has no output");
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** Starts it. It says nothing before it is {@link setup}. */
  static start({ python }: Python): OriginalSerializer {
    const env = { ...process.env, PYTHONPATH: OFFLINE, PYTHONUNBUFFERED: "1" };
    return new OriginalSerializer(spawn(python, [SCRIPT], { env }));
  }

  /** A fresh one for a stream; `sampleRate` is that of the bot's input, in Hz. */
  async setup(streamId: string, sampleRate: number): Promise<void> {
    const rates = { audio_in_sample_rate: sampleRate, audio_out_sample_rate: 24_000 };
    await this.#ask({ setup: { stream_id: streamId, ...rates } });
  }

  async deserialize(message: string): Promise<OriginalFrame | null> {
    const { frame } = await this.#ask({ deserialize: message });
    if (frame === null) return null;
    const { type, audio, sample_rate: sampleRate, num_channels: numChannels } = frame;
    return { type, samples: samplesOf(audio), sampleRate, numChannels };
  }

  async serialize(samples: Int16Array, sampleRate: number): Promise<string | null> {
    const audio = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");
    return (await this.#ask({ serialize: { audio, sample_rate: sampleRate } })).message;
  }

  async interrupt(): Promise<string> {
    return (await this.#ask({ interrupt: true })).message;
  }

  close(): void {
    this.#child.kill();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the script's answers are this file's own
  async #ask(question: object): Promise<any> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the serializer is gone; it printed:\n${this.#printed}`);
    return JSON.parse(value);
  }
}

const samplesOf = (base64: string) => new Int16Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
