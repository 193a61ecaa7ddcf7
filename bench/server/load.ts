import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { FrameCounter } from "./frame-counter.ts";
import { Histogram } from "./histogram.ts";
import { clientFrame, markEcho, mediaMessage, OPENING, PACKETS_PER_SECOND } from "./messages.ts";
import { openSocket, openStream } from "./stream-socket.ts";

/** Calls do not all send at the same moment: one group after the other, spread over the 20 ms of a packet. */
const GROUPS = 10;
const PACKET_MS = 1_000 / PACKETS_PER_SECOND;
const GROUP_MS = PACKET_MS / GROUPS;

export interface LoadTarget {
  readonly port: number;
  /** Bytes without a handshake before them. */
  readonly raw: boolean;
  readonly calls: number;
  /** How long the callers speak, at most: their messages are made before. */
  readonly seconds: number;
}

/** What happened since {@link Load.begin}. */
export interface LoadFigures {
  /** Packets sent, by all calls together, and packets that came back. */
  readonly sent: number;
  readonly received: number;
  /** Calls that did not get their 50 packets a second back. */
  readonly callsShort: number;
  /** How long after a packet was sent the packet of the same number came, in ms. */
  readonly delayP50Ms: number;
  /** How late the load itself was with its packets, in ms. */
  readonly sendLateP99Ms: number;
  /** Length of the audio that came ÷ the time it took to come, over all calls. */
  readonly audioPerTime: number;
}

interface LoadCall {
  readonly socket: Socket;
  readonly group: number;
  sent: number;
  received: number;
  /** Number of the sent packet whose answer comes next. */
  next: number;
  receivedBefore: number;
  /** When the last packet came. */
  receivedAtMs: number;
  /** Where the first write since {@link Load.begin} was complete: when, and how many packets there were. */
  firstAtMs: number;
  firstReceived: number;
}

/** Packets of one write come within less; between two writes there is more. */
const WRITE_GAP_MS = 10;

/** The callers' messages as bytes, the same for all of them; more are made before a longer load begins. */
const media: Buffer[] = [];

/** Less than this are what was on its way when counting began and ended, and the clocks' difference. */
const SLACK_PACKETS = 12;

/** What lies before a mark has been heard about so long after it was sent. */
const MARK_ECHO_MS = 60;

/** Many callers, each with 50 messages a second, made before as the bytes they are; one clock for all of them. */
export class Load {
  readonly #target: LoadTarget;
  readonly #opening = OPENING.map(clientFrame);
  readonly #packets: number;
  /** When packet k of a group was sent, in ms: element `k * GROUPS + group`. */
  readonly #sentAtMs: Float64Array;
  readonly #calls: LoadCall[] = [];
  readonly #delays = new Histogram();
  readonly #sendLateness = new Histogram();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedAtMs = 0;
  #step = 0;
  #sent = 0;
  #sentBefore = 0;
  #beganAtMs = 0;

  constructor(target: LoadTarget) {
    this.#target = target;
    const packets = Math.round(target.seconds * PACKETS_PER_SECOND);
    while (media.length < packets) media.push(clientFrame(mediaMessage(media.length)));
    this.#packets = packets;
    this.#sentAtMs = new Float64Array(this.#packets * GROUPS);
  }

  /** Opens the calls; nobody speaks yet. */
  async open(): Promise<void> {
    for (let i = 0; i < this.#target.calls; i += 50) {
      const some = Array.from({ length: Math.min(50, this.#target.calls - i) }, (_, n) => this.#openCall(i + n));
      this.#calls.push(...(await Promise.all(some)));
    }
    for (const { socket } of this.#calls) for (const frame of this.#opening) socket.write(frame);
  }

  /** The callers speak, where they left off. */
  speak(): void {
    this.#step = Math.ceil(this.#step / GROUPS) * GROUPS;
    for (const call of this.#calls) call.next = this.#step / GROUPS;
    this.#startedAtMs = performance.now() - this.#step * GROUP_MS;
    this.#clock();
  }

  /** The callers fall silent. */
  hush(): void {
    clearTimeout(this.#timer);
  }

  async #openCall(index: number): Promise<LoadCall> {
    const { port, raw } = this.#target;
    const socket = await (raw ? openSocket(port) : openStream(port));
    const counts = { sent: 0, received: 0, next: 0, receivedBefore: 0 };
    const call = { socket, group: index % GROUPS, ...counts, receivedAtMs: 0, firstAtMs: Number.NaN, firstReceived: 0 };
    const counter = new FrameCounter(
      () => this.#arrived(call),
      (payload) => {
        const echo = markEcho(payload.toString());
        if (echo !== undefined) setTimeout(() => socket.write(clientFrame(echo)), MARK_ECHO_MS);
      },
    );
    socket.on("data", (bytes) => counter.read(bytes));
    return call;
  }

  #arrived(call: LoadCall): void {
    const nowMs = performance.now();
    const sentAtMs = this.#sentAtMs[call.next++ * GROUPS + call.group];
    // What is there before the caller has spoken that long was sent ahead: it has no delay.
    this.#delays.add(sentAtMs ? nowMs - sentAtMs : 0);
    if (
      Number.isNaN(call.firstAtMs) &&
      call.receivedAtMs > this.#beganAtMs &&
      nowMs - call.receivedAtMs > WRITE_GAP_MS
    ) {
      call.firstAtMs = call.receivedAtMs;
      call.firstReceived = call.received;
    }
    call.receivedAtMs = nowMs;
    call.received++;
  }

  readonly #clock = (): void => {
    const nowMs = performance.now();
    const due = Math.min(Math.floor((nowMs - this.#startedAtMs) / GROUP_MS), this.#packets * GROUPS - 1);
    for (; this.#step <= due; this.#step++) this.#sendGroup(Math.floor(this.#step / GROUPS), this.#step % GROUPS);
    if (this.#step >= this.#packets * GROUPS) return;
    const waitMs = this.#startedAtMs + this.#step * GROUP_MS - performance.now();
    this.#timer = setTimeout(this.#clock, Math.max(0, Math.ceil(waitMs)));
  };

  #sendGroup(packet: number, group: number): void {
    const frame = media[packet]!;
    const nowMs = performance.now();
    this.#sentAtMs[packet * GROUPS + group] = nowMs;
    this.#sendLateness.add(nowMs - this.#startedAtMs - (packet * GROUPS + group) * GROUP_MS);
    for (let i = group; i < this.#calls.length; i += GROUPS) {
      const call = this.#calls[i]!;
      call.socket.write(frame);
      call.sent++;
      this.#sent++;
    }
  }

  begin(): void {
    this.#sentBefore = this.#sent;
    this.#beganAtMs = performance.now();
    for (const call of this.#calls) {
      call.receivedBefore = call.received;
      call.firstAtMs = Number.NaN;
    }
    this.#delays.clear();
    this.#sendLateness.clear();
  }

  end(): LoadFigures {
    const expected = ((performance.now() - this.#beganAtMs) / PACKET_MS) * 0.995 - SLACK_PACKETS;
    const received = this.#calls.map((call) => call.received - call.receivedBefore);
    return {
      sent: this.#sent - this.#sentBefore,
      received: received.reduce((sum, count) => sum + count, 0),
      callsShort: received.filter((count) => count < expected).length,
      delayP50Ms: this.#delays.percentile(0.5),
      sendLateP99Ms: this.#sendLateness.percentile(0.99),
      audioPerTime: this.#audioPerTime(),
    };
  }

  #audioPerTime(): number {
    let audioMs = 0;
    let timeMs = 0;
    for (const { firstAtMs, firstReceived, receivedAtMs, received } of this.#calls) {
      if (Number.isNaN(firstAtMs)) continue;
      audioMs += (received - firstReceived) * PACKET_MS;
      timeMs += receivedAtMs - firstAtMs;
    }
    return audioMs / timeMs;
  }

  /** How many of the calls the server had ended before. */
  async close(): Promise<number> {
    clearTimeout(this.#timer);
    const ended = this.#calls.filter(({ socket }) => socket.destroyed).length;
    await Promise.all(
      this.#calls.map(({ socket }) => {
        const closed = socket.closed || new Promise((resolve) => socket.once("close", resolve));
        socket.destroy();
        return closed;
      }),
    );
    this.#calls.length = 0;
    return ended;
  }
}
