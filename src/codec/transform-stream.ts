import { type Codec, defaultCodec, type ResamplerOptions } from "./codec.ts";

export interface ResamplerStreamOptions extends ResamplerOptions {
  /** Whose memory is used; the thread's own codec when left out. */
  readonly codec?: Codec;
}

/**
 * A Web `TransformStream` that resamples: `Int16Array` chunks of any length in, `Int16Array` chunks out, the filter's
 * tail when the input ends. Nothing is computed before it is read, so a slow reader holds the writer back.
 *
 * Its place in the codec's memory is given back when the input is closed, when either side is aborted or cancelled, and
 * when a chunk is refused. A stream that is made must come to one of these ends.
 *
 * Like the platform's own `TextDecoderStream` it is a readable and a writable for `pipeThrough`; it cannot be posted
 * to a worker.
 *
 * @param inputRate one of {@link SAMPLE_RATES}, in Hz
 * @param outputRate one of {@link SAMPLE_RATES}, in Hz
 * @throws RangeError for another rate or profile
 * @throws CodecError `CODEC_UNSUPPORTED`, `CODEC_OUT_OF_MEMORY`. The stream fails with a TypeError for a chunk that is
 * no `Int16Array`, and with `CODEC_TRAP`.
 *
 * @example
 * import { createResamplerStream } from "pipecat-wavix/codec";
 * const recording = new Blob([new Uint8Array(960)]).stream();
 * const toSamples = new TransformStream<Uint8Array, Int16Array>({
 *   transform: (bytes, controller) => controller.enqueue(new Int16Array(bytes.slice().buffer)),
 * });
 * const resampled = recording.pipeThrough(toSamples).pipeThrough(createResamplerStream(24000, 16000));
 * for await (const samples of resampled) console.log(samples.length); // 320, then 48
 */
export function createResamplerStream(
  inputRate: number,
  outputRate: number,
  options: ResamplerStreamOptions = {},
): TransformStream<Int16Array, Int16Array> {
  const { codec = defaultCodec(), ...resamplerOptions } = options;
  const resampler = codec.createResampler(inputRate, outputRate, resamplerOptions);
  const demand = new Demand();
  let source!: ReadableStreamDefaultController<Int16Array>;
  let sink!: WritableStreamDefaultController;

  // Two halves by hand: no browser tells a `TransformStream` of an abort or a cancel (streams standard,
  // `transformer.cancel`; Node 20.14 does), and the resampler would stay open.
  const end = (reason: unknown) => {
    resampler.close();
    demand.fail(reason);
    source.error(reason);
  };
  const give = (samples: Int16Array) => {
    if (samples.length === 0) return;
    demand.spent();
    source.enqueue(samples);
  };

  const readable = new ReadableStream<Int16Array>(
    {
      start: (controller) => {
        source = controller;
      },
      pull: () => demand.arose(),
      cancel: (reason) => {
        end(reason);
        sink.error(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Int16Array>({
    start: (controller) => {
      sink = controller;
      // Not the `abort` hook: it waits for the write that waits for a reader.
      controller.signal.addEventListener("abort", () => end(controller.signal.reason), { once: true });
    },
    write: async (chunk) => {
      await demand.wait();
      try {
        give(resampler.process(chunk));
      } catch (error) {
        end(error);
        throw error;
      }
    },
    close: () => {
      try {
        give(resampler.flush());
        source.close();
        resampler.close();
      } catch (error) {
        end(error);
        throw error;
      }
    },
  });
  return { readable, writable };
}

/** Whether a reader waits for samples; a writer waits for that. */
class Demand {
  #isThere = false;
  #waiting: { resolve(): void; reject(reason: unknown): void } | undefined;

  async wait(): Promise<void> {
    if (this.#isThere) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  arose(): void {
    this.#isThere = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  spent(): void {
    this.#isThere = false;
  }

  fail(reason: unknown): void {
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
  }
}
