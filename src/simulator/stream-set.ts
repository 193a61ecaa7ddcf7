import type { Behaviour } from "./behaviour.ts";
import { CallStream, type StreamContext, type StreamSpec } from "./stream.ts";

// Wavix guide: "a single bidirectional and up to 5 unidirectional streams for a single call".
const MAX_ONE_WAY_STREAMS = 5;
// With `sixthOneWayStream: "accept"` there is still a bound: beyond it every stream is refused.
const MAX_STREAMS = 50;

/** The outcome of an operation on a call: done, or a refusal with its status and the fields at fault. */
export type Outcome =
  | { ok: true; streamId?: string }
  | { ok: false; status: 400 | 404; errors?: Record<string, string> };

/** Refuses an operation because of one field. */
export const refusal = (field: string, text: string): Outcome => ({
  ok: false,
  status: 400,
  errors: { [field]: text },
});

/** The streams of one call. */
export class StreamSet {
  readonly #behaviour: Behaviour;
  readonly #context: StreamContext;
  readonly #onFailed: () => void;
  readonly #streams = new Set<CallStream>();

  constructor(context: StreamContext, onFailed: () => void) {
    this.#behaviour = context.behaviour;
    this.#context = context;
    this.#onFailed = onFailed;
  }

  /** Those that are open or opening, in the order they were started. */
  get active(): CallStream[] {
    return [...this.#streams].filter((stream) => !stream.isOver);
  }

  /** Every 20 ms: first all playback moves on, so that a stream of the outbound track can send what was just heard. */
  tick(packet: number, payload: string | null, deadlineMs: number, eventTime: string): void {
    for (const stream of this.#streams) stream.play();
    for (const stream of this.#streams) stream.sendPacket(packet, payload, deadlineMs, eventTime);
  }

  /** Starts a stream, or says why not. Waits for the socket only where the behaviour says so. */
  async start(spec: StreamSpec): Promise<Outcome> {
    const refused = this.#refuse(spec);
    if (refused !== null) return refused;
    const stream = new CallStream(spec, this.#context);
    this.#streams.add(stream);
    void stream.closed.then(() => this.#streams.delete(stream));
    const opened = stream.open().then((error) => {
      if (error !== null) this.#onFailed();
      return error;
    });
    if (this.#behaviour.replyAfterSocket && (await opened) !== null) {
      return refusal("stream_url", "Unable to connect to the stream URL");
    }
    return { ok: true, streamId: stream.id };
  }

  #refuse({ type }: StreamSpec): Outcome | null {
    const same = this.active.filter((stream) => stream.type === type);
    const { secondTwoWayStream, sixthOneWayStream } = this.#behaviour;
    const full = this.#streams.size >= MAX_STREAMS;
    if (full || (type === "oneway" && same.length >= MAX_ONE_WAY_STREAMS && sixthOneWayStream === "refuse")) {
      return refusal("stream_type", "Too many streams on this call");
    }
    if (type === "oneway" || same.length === 0 || secondTwoWayStream === "accept") return null;
    if (secondTwoWayStream === "refuse") {
      return refusal("stream_type", "A bidirectional stream is already active on this call");
    }
    for (const stream of same) void stream.finish(true);
    return null;
  }

  /** Stops a stream by id. */
  stop(streamId: string): Outcome {
    const stream = this.active.find(({ id }) => id === streamId);
    if (stream === undefined) {
      return this.#behaviour.unknownStreamOnDelete === 200 ? { ok: true } : { ok: false, status: 404 };
    }
    void stream.finish(this.#behaviour.stoppedStreamCloses);
    return { ok: true };
  }

  /** Ends them all; resolves when every socket is closed. */
  async finish(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.finish(true)));
  }
}
