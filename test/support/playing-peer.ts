import { PlaybackBuffer } from "../../src/simulator/playback-buffer.ts";
import { FakeSocket } from "./fake-socket.ts";

/** A peer behind a network: it plays what comes, and knows how much of which sound it has played. */
export class PlayingPeer extends FakeSocket {
  /** Samples heard, by their value. */
  readonly heardSamples = new Map<number, number>();
  /** Names of the marks that came. */
  readonly marks: string[] = [];
  /** How long a message is on its way, there and back, in ms. */
  readonly thereMs: number;
  readonly backMs: number;
  echoes = true;
  readonly #buffer: PlaybackBuffer;
  #over = false;

  constructor({ thereMs = 0, backMs = 0 } = {}) {
    super();
    this.thereMs = thereMs;
    this.backMs = backMs;
    this.#buffer = new PlaybackBuffer({
      now: () => performance.now(),
      onMark: (name) => this.#echo(name),
      onPlayed: (samples) => {
        for (const sample of samples) this.heardSamples.set(sample, (this.heardSamples.get(sample) ?? 0) + 1);
      },
    });
    this.#step();
  }

  override send(data: string | Uint8Array): void {
    super.send(data);
    const message = this.sent.at(-1)!;
    setTimeout(() => this.#receive(message), this.thereMs);
  }

  override cut(): void {
    this.#over = true;
    super.cut();
  }

  heardMs(value: number): number {
    this.#buffer.advance();
    return (this.heardSamples.get(value) ?? 0) / 24;
  }

  #receive({ event, media, mark }: (typeof this.sent)[number]): void {
    if (media !== undefined) {
      const bytes = Uint8Array.from(Buffer.from(media.payload, "base64"));
      this.#buffer.push(new Int16Array(bytes.buffer));
    } else if (mark !== undefined) {
      this.marks.push(mark.name);
      this.#buffer.mark(mark.name);
    } else if (event === "clear") this.#buffer.clear();
  }

  #echo(name: string): void {
    if (!this.echoes) return;
    setTimeout(() => {
      if (!this.#over) this.say({ event: "mark", stream_id: "stream-1", mark: { name } });
    }, this.backMs);
  }

  /** Marks come back when the playout gets to them, not when somebody looks. */
  #step(): void {
    setTimeout(() => {
      this.#buffer.advance();
      if (!this.#over) this.#step();
    }, 4);
  }
}
