import type { Codec } from "../../codec/index.ts";
import { chunksOf } from "./chunks.ts";
import { WIRE_RATE } from "./pairs.ts";
import type { ResampleRow, Row } from "./plan.ts";
import { concat, testSignal } from "./signals.ts";
import { wavixMessage } from "./wavix-message.ts";

/** Does a row's work again and again on a second of audio that comes round and round. */
export interface Work {
  /** Does `count` steps, of 20 ms each. */
  run(count: number): void;
  /** The outcome of one fresh pass over the second, to be compared with the others'. */
  prove(): Uint8Array<ArrayBuffer>;
  close(): void;
}

const STREAM_ID = "5d1f7b0e-41d2-4cf3-9a3c-0c1f54c5e2a7";

/**
 * The work of a row, done by a codec or, with `null`, in the usual way: `JSON`, `atob` and `btoa`.
 *
 * @throws TypeError for resampling without a codec
 */
export function createWork(row: Row, codec: Codec | null): Work {
  switch (row.kind) {
    case "resample":
      if (codec === null) throw new TypeError("there is no usual way to resample");
      return resampling(codec, row);
    case "read":
      return codec === null ? reading(readUsually, () => {}) : readingBy(codec, row.sampleRate);
    case "write":
      return codec === null ? writing(WIRE_RATE, writeUsually, () => {}) : writingBy(codec, row.sampleRate);
  }
}

function resampling(codec: Codec, { inputRate, outputRate, profile }: ResampleRow): Work {
  const packets = chunksOf(testSignal(inputRate), inputRate);
  const resampler = codec.createResampler(inputRate, outputRate, { profile });
  const output = new Int16Array(Math.ceil((packets[0]!.length + 1) * (outputRate / inputRate)) + 1);
  let next = 0;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        resampler.process(packets[next]!, output);
        next = next + 1 === packets.length ? 0 : next + 1;
      }
    },
    prove() {
      resampler.reset();
      return bytesOf(concat([...packets.map((packet) => resampler.process(packet)), resampler.flush()]));
    },
    close: () => resampler.close(),
  };
}

/** As Wavix writes them, and as a page's WebSocket hands them over: as text. */
function wavixMessages(): string[] {
  const packets = chunksOf(testSignal(WIRE_RATE), WIRE_RATE);
  return packets.map((packet, i) => JSON.stringify(wavixMessage(STREAM_ID, base64Of(packet), i)));
}

function reading(read: (message: string) => Int16Array, close: () => void, reset = () => {}): Work {
  const messages = wavixMessages();
  let next = 0;
  let samples = 0;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        samples += read(messages[next]!).length;
        next = next + 1 === messages.length ? 0 : next + 1;
      }
      // Keeps an engine from leaving out what nobody looks at.
      if (samples < 0) throw new Error("unreachable");
    },
    prove() {
      reset();
      return bytesOf(concat(messages.map((message) => read(message).slice())));
    },
    close,
  };
}

function readingBy(codec: Codec, sampleRate: number): Work {
  const reader = codec.createMediaReader({ wireSampleRate: WIRE_RATE, sampleRate });
  const read = (message: string) => {
    const status = reader.read(message, "inbound");
    if (status !== "audio") throw new Error(`the reader said ${status}`);
    return reader.audio;
  };
  return reading(
    read,
    () => reader.close(),
    () => reader.reset(),
  );
}

function readUsually(message: string): Int16Array {
  const { media } = JSON.parse(message) as { media: { payload: string } };
  const binary = atob(media.payload);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Int16Array(bytes.buffer);
}

function writing(sampleRate: number, write: (packet: Int16Array) => string, close: () => void, clear = () => {}): Work {
  const packets = chunksOf(testSignal(sampleRate), sampleRate);
  let next = 0;
  let characters = 0;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        characters += write(packets[next]!).length;
        next = next + 1 === packets.length ? 0 : next + 1;
      }
      if (characters < 0) throw new Error("unreachable");
    },
    prove() {
      clear();
      return new TextEncoder().encode(packets.map(write).join("\n"));
    },
    close,
  };
}

function writingBy(codec: Codec, sampleRate: number): Work {
  const writer = codec.createMediaWriter({ wireSampleRate: WIRE_RATE, streamId: STREAM_ID });
  const write = (packet: Int16Array) => {
    writer.push(packet, sampleRate);
    const message = writer.takeMessage();
    if (message === null) throw new Error("the writer gave no message");
    return message;
  };
  return writing(
    sampleRate,
    write,
    () => writer.close(),
    () => writer.clear(),
  );
}

function writeUsually(packet: Int16Array): string {
  return JSON.stringify({ event: "media", stream_id: STREAM_ID, media: { payload: base64Of(packet) } });
}

function base64Of(packet: Int16Array): string {
  const bytes = new Uint8Array(packet.buffer, packet.byteOffset, packet.byteLength);
  // Six times as fast as spreading the bytes; a packet is short enough for it.
  return btoa(String.fromCharCode.apply(null, bytes as unknown as number[]));
}

const bytesOf = (samples: Int16Array<ArrayBuffer>) => new Uint8Array(samples.buffer);
