import { randomUUID } from "node:crypto";
import type { CallListener } from "./listener.ts";
import type { Observations, Played, StreamEnd } from "./observations.ts";
import { PACKET_BYTES, type ProbeStream } from "./probe-stream.ts";
import type { RestProbe } from "./rest-probe.ts";
import { CallIsOver } from "./watch.ts";

/** How long the script takes for what; less makes it quicker and sees less. */
export interface ScriptTimes {
  /** From the first webhook to the answer. */
  readonly ringMs: number;
  /** How long the handshake of the stream is held back, to see who waits for it. */
  readonly handshakeMs: number;
  /** The caller's audio is only looked at. */
  readonly listenMs: number;
  /** Audio sent at once, to find the end of Wavix's buffer. */
  readonly burstMs: number;
  /** How long something may take that should come by itself: an echo, a stop, a webhook. */
  readonly settleMs: number;
}

/** Some 45 s with a caller who says nothing. */
export const SCRIPT_TIMES: ScriptTimes = {
  ringMs: 2_000,
  handshakeMs: 400,
  listenMs: 3_000,
  burstMs: 20_000,
  settleMs: 1_800,
};

/** Nothing of it lasts longer. */
const SCRIPT_LIMIT_MS = 60_000;

/** Does on one call what the documents say nothing about, and writes down what comes of it. */
export class CallScript {
  readonly seen: Observations;
  readonly #listener: CallListener;
  readonly #rest: RestProbe;
  readonly #socketBase: string;
  readonly #times: ScriptTimes;
  readonly #callId: string;
  #endsAtMs = SCRIPT_LIMIT_MS;

  /** @param socketBase `wss://…`, where Wavix reaches the listener */
  constructor(listener: CallListener, rest: RestProbe, socketBase: string, times: ScriptTimes) {
    this.#listener = listener;
    this.#rest = rest;
    this.#socketBase = socketBase;
    this.#times = times;
    this.#callId = listener.callId as string;
    this.seen = { webhooks: listener.webhooks };
  }

  /** Never rejects: what was seen until then is what there is. The call is hung up in the end, whatever happens; at once when `signal` aborts. */
  async run(signal?: AbortSignal): Promise<Observations> {
    const { watch } = this.#listener;
    const stopped = new Promise<never>((_, reject) => {
      const stop = () => {
        this.#endsAtMs = 0;
        reject(new CallIsOver("it was stopped"));
      };
      if (signal?.aborted) stop();
      else signal?.addEventListener("abort", stop, { once: true });
    });
    try {
      await Promise.race([this.#steps(), stopped]);
    } catch (error) {
      this.seen.cutShort = error instanceof CallIsOver ? error.message : `the script broke: ${String(error)}`;
      watch.note(this.seen.cutShort);
      if (this.seen.end === undefined) await this.#send("DELETE call", "DELETE", "");
    }
    // What comes late.
    await watch.until(this.#times.settleMs, () => false);
    return this.seen;
  }

  async #steps(): Promise<void> {
    await this.#beforeAnswer();
    let stream = await this.#answer();
    await this.#listen();
    stream = await this.#otherStreams(stream);
    await this.#playback(stream);
    await this.#end(stream);
  }

  async #beforeAnswer(): Promise<void> {
    const { seen } = this;
    const startsAtMs = this.#listener.watch.nowMs;
    const account = await this.#rest.send("GET account webhooks", "GET", "/v1/calls/webhooks");
    if (account.status === 200) seen.accountWebhook = this.#accountWebhook(account.json);
    const nobody = `/v1/calls/${randomUUID()}`;
    const { status, text } = await this.#rest.send("GET unknown call", "GET", nobody);
    seen.unknownCall = { status, text };
    const spec = this.#spec("nobody");
    const onUnknown = await this.#rest.send("POST streams of an unknown call", "POST", `${nobody}/streams`, spec);
    seen.unknownCallOnStreams = onUnknown.status;
    const early = await this.#send("POST streams before the answer", "POST", "/streams", this.#spec("early"));
    seen.streamBeforeAnswer = early.status;
    if (early.status === 200) await this.#stop("DELETE early stream", early.json);
    await this.#wait(this.#times.ringMs - (this.#listener.watch.nowMs - startsAtMs));
  }

  async #answer(): Promise<ProbeStream> {
    const { seen } = this;
    const { watch } = this.#listener;
    // Comes after the answer, and nothing hangs on it.
    this.#listener.replies.set("answered", 503);
    seen.refusedEvent = "answered";
    seen.answeredAtMs = watch.nowMs;
    seen.rang = true;
    const spec = this.#spec("main", "twoway", "inbound", this.#times.handshakeMs);
    const answering = this.#send("POST answer with a stream", "POST", "/answer", spec);
    let repliedAtMs: number | undefined;
    const answered = answering.then((fact) => {
      repliedAtMs = watch.nowMs;
      return fact;
    });
    const opening = this.#need("main", 10_000);
    opening.catch(() => undefined);
    const { status } = await answered;
    if (status !== 200) throw new CallIsOver(`the call could not be answered (${status ?? "no answer"})`);
    const stream = await opening;
    seen.replyAfterSocket = (repliedAtMs as number) >= stream.openedAtMs;
    seen.upgrade = this.#listener.upgrades.get("main") as NonNullable<Observations["upgrade"]>;
    seen.media = stream.facts;
    return stream;
  }

  /** The stream as it comes, with nothing done about it. */
  async #listen(): Promise<void> {
    await this.#wait(this.#times.listenMs);
    const again = await this.#send("POST answer again", "POST", "/answer", {});
    this.seen.answerTwice = again.status;
    const unknown = await this.#send("DELETE unknown stream", "DELETE", `/streams/${randomUUID()}`);
    this.seen.unknownStreamOnDelete = unknown.status;
  }

  /** @returns the stream that the rest is done on: the second one, where it has taken the first one's place */
  async #otherStreams(main: ProbeStream): Promise<ProbeStream> {
    const { seen } = this;
    const { watch } = this.#listener;
    let stream = main;
    const second = await this.#send("POST second two-way stream", "POST", "/streams", this.#spec("second"));
    if (second.status === 200) {
      const opened = await this.#opened("second", this.#times.settleMs);
      const ended = await watch.until(this.#times.settleMs, () => main.facts.stopAtMs !== undefined || !main.isOpen);
      seen.secondTwoWay = { status: 200, firstEnded: ended !== null };
      if (ended !== null && opened !== null) stream = opened;
      else await this.#stop("DELETE second two-way stream", second.json);
    } else seen.secondTwoWay = { status: second.status, firstEnded: false };

    const oneWay: { name: string; json: unknown }[] = [];
    const statuses: (number | null)[] = [];
    for (let i = 1; i <= 6; i++) {
      const name = `one-way ${i}`;
      const spec = this.#spec(name, "oneway", i === 1 ? "both" : "inbound");
      const { status, json } = await this.#send(`POST ${name}`, "POST", "/streams", spec);
      statuses.push(status);
      if (status === 200) oneWay.push({ name, json });
    }
    seen.oneWayStatuses = statuses;
    const [first] = oneWay;
    if (first === undefined) return stream;
    const watched = await this.#opened(first.name, this.#times.settleMs);
    if (watched !== null) {
      await watch.until(this.#times.settleMs, () => watched.facts.mediaCount >= 10);
      seen.oneWayBoth = watched.facts;
      await this.#stop("DELETE one-way 1", first.json);
      seen.deletedStream = await this.#streamEnd(watched);
    }
    for (const { name, json } of oneWay.slice(watched === null ? 0 : 1)) await this.#stop(`DELETE ${name}`, json);
    return stream;
  }

  async #playback(stream: ProbeStream): Promise<void> {
    const { seen } = this;
    const { settleMs, burstMs } = this.#times;
    let quickest: number | null = null;
    for (let i = 1; i <= 3; i++) {
      const echoMs = await this.#mark(stream, `empty-${i}`, settleMs);
      if (echoMs === null) break;
      quickest = Math.min(quickest ?? echoMs, echoMs);
    }
    seen.emptyMarkMs = quickest;
    if (quickest === null) return;
    seen.second = await this.#play(stream, "second", 1_000);
    seen.offSize = await this.#play(stream, "off-size", 600, PACKET_BYTES / 2);
    seen.oddBytes = await this.#play(stream, "odd-bytes", 600, PACKET_BYTES + 1);

    const sent = ["cleared-a", "cleared-b", "cleared-c"];
    for (const name of sent) {
      stream.audio(1_000);
      stream.mark(name);
    }
    await this.#wait(200);
    const clearedAtMs = this.#listener.watch.nowMs;
    stream.clear();
    const echoes = () => stream.facts.marks.filter(({ name }) => sent.includes(name));
    await this.#listener.watch.until(settleMs, () => echoes().length === sent.length);
    const order = echoes().map(({ name }) => name);
    const last = echoes().at(-1);
    seen.clear = { sent, order, afterMs: last === undefined ? null : last.atMs - clearedAtMs };
    // Where clear does nothing, the rest is still played.
    if (order.length < sent.length) await this.#wait(3_000);

    this.#needTime(burstMs);
    seen.burst = await this.#play(stream, "burst", burstMs);
  }

  async #end(stream: ProbeStream): Promise<void> {
    const { seen } = this;
    const { watch } = this.#listener;
    const { settleMs } = this.#times;
    let last = stream;
    stream.close();
    const over = await watch.until(settleMs, () => this.#listener.over);
    if (over !== null) {
      seen.serverClose = { callUp: false, reopened: null };
    } else {
      const reopened = await this.#send(
        "POST streams after we closed the socket",
        "POST",
        "/streams",
        this.#spec("again"),
      );
      seen.serverClose = { callUp: reopened.status === 200 ? true : null, reopened: reopened.status };
      const again = reopened.status === 200 ? await this.#opened("again", settleMs) : null;
      if (again !== null) {
        await watch.until(settleMs, () => again.facts.mediaCount > 0);
        last = again;
      }
    }
    const { status } = await this.#send("DELETE call", "DELETE", "");
    const ended = last === stream ? null : await this.#streamEnd(last);
    const webhook = await watch.until(settleMs, () => this.#listener.over);
    const nothing = { stopMs: null, closedMs: null, code: null };
    seen.end = { ...(ended ?? nothing), webhookMs: webhook?.atMs ?? null };
    // What can be hung up was there.
    if (seen.serverClose.callUp === null) seen.serverClose = { ...seen.serverClose, callUp: status === 200 };
    const { status: after } = await this.#send("GET call after its end", "GET", "");
    seen.callAfterEnd = after;
  }

  async #mark(stream: ProbeStream, name: string, limitMs: number): Promise<number | null> {
    const sentAtMs = this.#listener.watch.nowMs;
    stream.mark(name);
    return stream.echo(name, limitMs, sentAtMs);
  }

  async #play(stream: ProbeStream, name: string, audioMs: number, messageBytes?: number): Promise<Played> {
    const startedAtMs = this.#listener.watch.nowMs;
    stream.audio(audioMs, messageBytes);
    stream.mark(name);
    this.#listener.watch.note(`we send ${audioMs} ms at once, and the mark ${name}`);
    const echoMs = await stream.echo(name, audioMs + this.#times.settleMs, startedAtMs);
    this.#goOn(stream);
    return { audioMs, echoMs };
  }

  async #streamEnd(stream: ProbeStream): Promise<StreamEnd> {
    await this.#listener.watch.until(this.#times.settleMs, () => !stream.isOpen);
    const closedMs = stream.closedByUs ? null : (stream.closedAtMs ?? null);
    const end = {
      stopMs: stream.facts.stopAtMs ?? null,
      closedMs,
      code: closedMs === null ? null : (stream.closeCode ?? null),
    };
    if (stream.isOpen) stream.close();
    return end;
  }

  /** Wavix OpenAPI: a bare array of `{ event_type, url }`. */
  #accountWebhook(json: unknown): NonNullable<Observations["accountWebhook"]> {
    const list = Array.isArray(json) ? (json as { event_type?: unknown; url?: unknown }[]) : [];
    const onCall = list.find((webhook) => webhook?.event_type === "on-call");
    if (onCall === undefined) return "none";
    const url = String(onCall.url);
    return URL.canParse(url) && new URL(url).pathname === this.#listener.webhookPath ? "ours" : "another";
  }

  #spec(name: string, type = "twoway", channel = "inbound", delayMs = 0): Record<string, string> {
    const path = this.#listener.expect(name, delayMs);
    return { stream_url: this.#socketBase + path, stream_type: type, stream_channel: channel };
  }

  #send(name: string, method: "GET" | "POST" | "DELETE", path: string, body?: object) {
    return this.#rest.send(name, method, `/v1/calls/${encodeURIComponent(this.#callId)}${path}`, body);
  }

  async #stop(name: string, json: unknown): Promise<void> {
    const id = (json as { stream_id?: unknown } | null | undefined)?.stream_id;
    if (typeof id === "string") await this.#send(name, "DELETE", `/streams/${encodeURIComponent(id)}`);
  }

  #opened(name: string, limitMs: number): Promise<ProbeStream | null> {
    return this.#listener.watch.until(limitMs, () => this.#listener.stream(name));
  }

  async #need(name: string, limitMs: number): Promise<ProbeStream> {
    const { watch } = this.#listener;
    await watch.until(limitMs, () => this.#listener.stream(name) !== undefined || this.#listener.over !== undefined);
    const stream = this.#listener.stream(name);
    if (stream !== undefined) return stream;
    throw new CallIsOver(this.#listener.over ? "the caller hung up" : "no stream came");
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await this.#listener.watch.until(ms, () => this.#listener.over);
    this.#goOn(undefined);
  }

  #goOn(stream: ProbeStream | undefined): void {
    if (this.#listener.over !== undefined) throw new CallIsOver("the caller hung up");
    if (stream?.isOpen === false) throw new CallIsOver(`the socket was closed with ${stream.closeCode}`);
    this.#needTime(0);
  }

  #needTime(ms: number): void {
    if (this.#listener.watch.nowMs + ms > this.#endsAtMs) throw new CallIsOver("the script took too long");
  }
}
