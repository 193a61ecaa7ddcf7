import { Socket } from "node:net";
import { Histogram } from "./histogram.ts";

const PACKET_MS = 20;
/** Header of a frame without a mask whose length has two bytes: every frame with a packet has one (RFC 6455, 5.2). */
const [TEXT_FRAME, LENGTH_16, HEADER_BYTES] = [0x81, 126, 4];

export interface WriteFigures {
  readonly writes: number;
  /** Moment of the write − moment the peer's playback runs dry, of each packet; never less than 0. */
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
}

let writes = 0;
const lateness = new Histogram();
/** When the peer of a socket will have played all that was written. */
const dryAtMs = new WeakMap<object, number>();
let watching = false;

/** Counts the writes of this process from now on. Not while CPU time is compared: it costs some itself. */
export function watchWrites(): void {
  writes = 0;
  lateness.clear();
  if (watching) return;
  watching = true;
  const sockets = Socket.prototype as unknown as Record<"_write" | "_writev", (...given: unknown[]) => unknown>;
  const { _write, _writev } = sockets;
  sockets._write = function (this: object, ...given) {
    written(this, given[0]);
    return _write.apply(this, given);
  };
  // ws writes a frame's header and its payload so.
  sockets._writev = function (this: object, ...given) {
    writes++;
    return _writev.apply(this, given);
  };
}

function written(socket: object, bytes: unknown): void {
  writes++;
  if (!(bytes instanceof Uint8Array) || bytes[0] !== TEXT_FRAME || bytes[1] !== LENGTH_16) return;
  const packets = bytes.length / (HEADER_BYTES + bytes[2]! * 256 + bytes[3]!);
  if (!Number.isInteger(packets)) return;
  const nowMs = performance.now();
  const dry = dryAtMs.get(socket);
  // Of several packets in one write, only the first can be late.
  for (let i = 0; i < packets; i++) lateness.add(i === 0 && dry !== undefined ? nowMs - dry : 0);
  dryAtMs.set(socket, Math.max(dry ?? 0, nowMs) + packets * PACKET_MS);
}

export function writeFigures(): WriteFigures {
  return { writes, latenessP99Ms: lateness.percentile(0.99), latenessMaxMs: lateness.percentile(1) };
}
