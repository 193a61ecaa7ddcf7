import type { Behaviour, CallEventType } from "./behaviour.ts";
import { CallState, type WavixCall } from "./call-state.ts";
import { CallerAudio, type CallerLine, prepareCallerAudio } from "./caller-audio.ts";
import { InCallActions } from "./in-call-actions.ts";
import { Fingers, type KeyPress } from "./key-presses.ts";
import type { CallEnd, CallReport, PacketObserver, SimulatedCall, SpokenClip, WebhookDelivery } from "./model.ts";
import type { Pacer } from "./pacer.ts";
import { TimelineRecorder } from "./recording.ts";
import type { CallScript } from "./script.ts";
import type { StreamSpec } from "./stream.ts";
import { type Outcome, refusal, StreamSet } from "./stream-set.ts";
import { CallTally } from "./tally.ts";
import { WebhookSender } from "./webhooks.ts";
import { PACKET_MS, WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** What a call is made from, checked by whoever makes it. */
export interface CallSetup {
  id: string;
  from: string;
  to: string;
  webhookUrl: string;
  behaviour: Behaviour;
  line: CallerLine;
  digits: string;
  /** In the order of time. */
  keys: readonly KeyPress[];
  script: CallScript | null;
  record: boolean;
  observer: PacketObserver | null;
  ringTimeoutMs: number;
  hangUpAfterMs: number | null;
  signal: AbortSignal | null;
  pacer: Pacer;
  /** Aborted when the simulator gives up on webhooks. */
  closing: AbortSignal;
}

/** One call, from the first webhook to the last: the caller's side, and what Wavix does in between. */
export class PlacedCall implements SimulatedCall {
  readonly id: string;
  readonly announced: Promise<WebhookDelivery | null>;
  readonly answered: Promise<boolean>;
  readonly streaming: Promise<boolean>;
  readonly ended: Promise<CallReport>;
  state: SimulatedCall["state"] = "ringing";

  readonly #setup: CallSetup;
  readonly #wavix: CallState;
  readonly #tally = new CallTally();
  readonly #webhooks: WebhookSender;
  readonly #streams: StreamSet;
  readonly #actions: InCallActions;
  readonly #fingers: Fingers;
  readonly #recorder: TimelineRecorder | null;
  readonly #onAborted = () => this.#end("aborted");
  #timer: NodeJS.Timeout | undefined;
  #timeline: { originMs: number; leave: () => void } | null = null;
  #lastPacket = -1;
  #resolveAnswered: (answered: boolean) => void = () => undefined;
  #resolveStreaming: (streaming: boolean) => void = () => undefined;
  #resolveEnded: (report: CallReport) => void = () => undefined;

  constructor(setup: CallSetup) {
    const { id, behaviour } = setup;
    this.id = id;
    this.#setup = setup;
    this.#wavix = new CallState(id, setup.from, setup.to, behaviour);
    this.#webhooks = new WebhookSender(setup.webhookUrl, behaviour, setup.closing);
    this.#recorder = setup.record ? new TimelineRecorder() : null;
    this.#streams = new StreamSet(
      {
        callId: id,
        behaviour,
        script: setup.script,
        tally: this.#tally,
        recorder: this.#recorder,
        observer: setup.observer,
        onOpen: () => this.#beginTimeline(),
        onLost: () => behaviour.serverCloseEndsCall && this.#end("socket"),
      },
      () => behaviour.failedStreamEndsCall && this.#end("stream"),
    );
    this.#actions = new InCallActions(behaviour, setup.digits, (event) => this.#post("on_call_event", { ...event }));
    this.#fingers = new Fingers(setup.keys, (key) => this.#actions.press(key));

    this.announced = this.#webhooks.announced;
    this.answered = new Promise((resolve) => {
      this.#resolveAnswered = resolve;
    });
    this.streaming = new Promise((resolve) => {
      this.#resolveStreaming = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });

    setup.signal?.addEventListener("abort", this.#onAborted, { once: true });
    for (const event of behaviour.eventsBeforeAnswer) this.#post(event, null, () => this.state === "ringing");
    this.#endAfter(setup.ringTimeoutMs, "unanswered");
  }

  say(audio: Int16Array | CallerAudio): SpokenClip | null {
    if (this.#timeline === null || this.state === "ended") return null;
    const clip = audio instanceof CallerAudio ? audio : prepareCallerAudio(audio);
    const startMs = (this.#lastPacket + 1) * PACKET_MS;
    this.#setup.line.say(clip, this.#lastPacket + 1);
    return { startMs, endMs: startMs + clip.durationMs };
  }

  hangUp(): void {
    this.#end("caller");
  }

  sendRaw(data: string | Uint8Array): boolean {
    return this.#streams.active.some((stream) => stream.sendRaw(data));
  }

  dropSocket(): void {
    for (const stream of this.#streams.active) stream.drop();
  }

  report(): CallReport {
    return { ...this.#tally.report(this.id), webhooks: [...this.#webhooks.deliveries], recording: this.#recording() };
  }

  // --- what the REST side does ---

  /** `POST …/answer`: without a stream, or with one that starts right away. */
  async answer(spec: StreamSpec | null): Promise<Outcome> {
    if (this.state === "ended") return { ok: false, status: 404 };
    if (this.state === "answered") {
      const { answerTwice } = this.#setup.behaviour;
      if (answerTwice === 200) return { ok: true };
      return answerTwice === 404 ? { ok: false, status: 404 } : refusal("id", "The call is already answered");
    }
    this.state = "answered";
    this.#tally.answeredAtMs = performance.now();
    this.#wavix.answered();
    this.#resolveAnswered(true);
    this.#endAfter(this.#setup.hangUpAfterMs, "caller");
    for (const event of this.#setup.behaviour.eventsOnAnswer) this.#post(event);
    return spec === null ? { ok: true } : this.#streams.start(spec);
  }

  /** `POST …/streams`. */
  async startStream(spec: StreamSpec): Promise<Outcome> {
    const { unknownCallOnStreams, streamBeforeAnswer } = this.#setup.behaviour;
    if (this.state === "ended") return { ok: false, status: unknownCallOnStreams };
    if (this.state === "ringing" && streamBeforeAnswer === "refuse") return refusal("id", "The call is not answered");
    return this.#streams.start(spec);
  }

  /** `DELETE …/streams/{id}`. */
  stopStream(streamId: string): Outcome {
    return this.#streams.stop(streamId);
  }

  /** `DELETE /v1/calls/{id}`. */
  hangUpOverRest(): Outcome {
    const refused = this.state === "ringing" && this.#setup.behaviour.hangUpBeforeAnswer === "refuse";
    if (this.state === "ended" || refused) return { ok: false, status: 404 };
    this.#tally.hungUpOverRest = true;
    this.#end("rest");
    return { ok: true };
  }

  /** `POST …/play`, `DELETE …/audio` and `POST …/collect`, on a call that is answered. */
  act(run: (actions: InCallActions) => Outcome): Outcome {
    if (this.state === "ended") return { ok: false, status: 404 };
    if (this.state === "ringing") return refusal("id", "The call is not answered");
    return run(this.#actions);
  }

  setTag(tag: string): Outcome {
    if (this.state === "ended") return { ok: false, status: 404 };
    this.#wavix.tag = tag;
    return { ok: true };
  }

  toWire(): WavixCall {
    return this.#wavix.toWire();
  }

  /** The simulator closes. */
  abandon(): void {
    this.#end("simulator");
  }

  // --- the life of the call ---

  #post(event: CallEventType, payload: Record<string, unknown> | null = null, stillTrue?: () => boolean): void {
    this.#webhooks.send(event, this.#wavix.event(event, payload), stillTrue);
  }

  #endAfter(delayMs: number | null, by: CallEnd): void {
    clearTimeout(this.#timer);
    if (this.state !== "ended" && delayMs !== null) this.#timer = setTimeout(() => this.#end(by), delayMs);
  }

  /** The first socket is open: the caller's timeline begins, and with it the packets. */
  #beginTimeline(): number {
    if (this.#timeline !== null) return this.#timeline.originMs;
    this.#tally.socketAtMs = performance.now();
    this.#timeline = this.#setup.pacer.join((deadlineMs, eventTime) => this.#tick(deadlineMs, eventTime));
    this.#tally.timelineAtMs = this.#timeline.originMs;
    this.#endAfter(this.#setup.hangUpAfterMs, "caller");
    this.#resolveStreaming(true);
    this.#fingers.begin(this.#timeline.originMs);
    return this.#timeline.originMs;
  }

  #tick(deadlineMs: number, eventTime: string): void {
    // A packet is sent when its 20 ms are over: packet 0 is due 20 ms after the origin.
    const packet = Math.round((deadlineMs - this.#timeline!.originMs) / PACKET_MS) - 1;
    this.#tally.skippedPackets += packet - this.#lastPacket - 1;
    this.#lastPacket = packet;
    this.#streams.tick(packet, this.#setup.line.payloadAt(packet), deadlineMs, eventTime);
  }

  #end(by: CallEnd): void {
    if (this.state === "ended") return;
    const event = this.#endEvent(by);
    this.state = "ended";
    this.#tally.endedBy = by;
    this.#tally.endedAtMs = performance.now();
    clearTimeout(this.#timer);
    this.#setup.signal?.removeEventListener("abort", this.#onAborted);
    this.#fingers.stop();
    this.#actions.close();
    this.#wavix.ended();
    this.#resolveAnswered(false);
    this.#resolveStreaming(false);
    void this.#wind(event);
  }

  async #wind(event: CallEventType | null): Promise<void> {
    const post = () => event !== null && this.#post(event);
    const postsFirst = this.#setup.behaviour.endOrder === "webhook-first";
    if (postsFirst) {
      post();
      await this.#webhooks.settled();
    }
    await this.#streams.finish();
    this.#timeline?.leave();
    if (!postsFirst) post();
    await this.#webhooks.close();
    this.#resolveEnded(this.report());
  }

  #endEvent(by: CallEnd): CallEventType | null {
    const { eventWhenCompleted, eventWhenCallerGaveUp, eventWhenRejected } = this.#setup.behaviour;
    if (this.state === "answered") return eventWhenCompleted;
    return by === "rest" ? eventWhenRejected : eventWhenCallerGaveUp;
  }

  #recording(): CallReport["recording"] {
    const { endedAtMs } = this.#tally;
    if (this.#recorder === null || this.#timeline === null || endedAtMs === null) return null;
    const sampleCount = Math.max(0, Math.floor(((endedAtMs - this.#timeline.originMs) * WIRE_SAMPLE_RATE) / 1000));
    const heard = this.#recorder.read(0, sampleCount);
    return {
      sampleRate: WIRE_SAMPLE_RATE,
      said: this.#setup.line.render(heard.length),
      heard,
      truncated: this.#recorder.truncated || heard.length < sampleCount,
    };
  }
}
