import { once } from "node:events";
import { WebSocket } from "ws";

/** The tone a caller speaks in. No bot has it. */
export const CALLER_HERTZ = 500;

/** Of 32767: what is less is no tone. */
const LOUD = 500;

/** How a protocol is spoken: what goes out, and what came in, in words. */
export interface Language {
  /** The rate of the caller's audio. */
  rate: number;
  /** What is sent as soon as the line is open. */
  greeting: (string | Uint8Array)[];
  audio(samples: Int16Array): string | Uint8Array;
  key(button: string): string | Uint8Array;
  /** One word for a message; audio as `{ samples, rate }`. */
  read(message: Buffer, isBinary: boolean): string | { samples: Int16Array; rate: number };
}

/**
 * A caller on a bare WebSocket, to try a bot without the bridge. It sends 20 ms of audio every 20 ms and notes what it
 * hears, in order and each run once: `600 Hz`, `silence`, and the words of the language for all else.
 */
export class Line {
  readonly heard: string[] = [];
  /** The lengths of audio messages, in bytes of PCM16. */
  readonly audioByteLengths = new Set<number>();
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #language: Language;
  #speaks = false;
  #phase = 0;

  private constructor(socket: WebSocket, language: Language) {
    this.#socket = socket;
    this.#language = language;
    socket.on("message", (data: Buffer, isBinary) => this.#note(language.read(data, isBinary)));
    for (const message of language.greeting) socket.send(message);
    const pace = setInterval(() => this.#sendPacket(), 20);
    this.closed = once(socket, "close").then(([code]) => {
      clearInterval(pace);
      return code as number;
    });
  }

  /** Opens a line, and speaks the language's greeting into it. */
  static async open(url: string, language: Language): Promise<Line> {
    const socket = new WebSocket(url);
    await once(socket, "open");
    return new Line(socket, language);
  }

  /** The tone of the caller, on or off. */
  speak(on: boolean): void {
    this.#speaks = on;
  }

  press(button: string): void {
    this.#socket.send(this.#language.key(button));
  }

  hangUp(): void {
    this.#socket.close(1000);
  }

  /** Waits until a word is heard, from now on. */
  async hears(word: string, limitMs = 10_000): Promise<void> {
    const from = this.heard.length;
    const deadlineMs = performance.now() + limitMs;
    while (!this.heard.includes(word, from)) {
      if (performance.now() > deadlineMs || this.#socket.readyState !== WebSocket.OPEN) {
        throw new Error(`${word} is not heard, but ${this.heard.slice(from).join(", ") || "nothing new"}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #sendPacket(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const { rate } = this.#language;
    const samples = new Int16Array(rate / 50);
    if (this.#speaks) {
      for (let i = 0; i < samples.length; i++) {
        samples[i] = 8000 * Math.sin((2 * Math.PI * CALLER_HERTZ * this.#phase++) / rate);
      }
    }
    this.#socket.send(this.#language.audio(samples));
  }

  #note(read: string | { samples: Int16Array; rate: number }): void {
    const word = typeof read === "string" ? read : wordFor(read.samples, read.rate);
    if (typeof read !== "string") this.audioByteLengths.add(read.samples.byteLength);
    if (this.heard.at(-1) !== word) this.heard.push(word);
  }
}

/** The pitch of a sine to 100 Hz, from how far apart its first and its last rise are; it need not fill the samples. */
function wordFor(samples: Int16Array, rate: number): string {
  const rises: number[] = [];
  let high: boolean | undefined;
  for (const [i, sample] of samples.entries()) {
    if (Math.abs(sample) < LOUD) continue;
    if (high === false && sample > 0) rises.push(i);
    high = sample > 0;
  }
  if (high === undefined) return "silence";
  const [first = 0, last = 0] = [rises[0], rises.at(-1)];
  return last === first ? "noise" : `${Math.round(((rises.length - 1) * rate) / (last - first) / 100) * 100} Hz`;
}
