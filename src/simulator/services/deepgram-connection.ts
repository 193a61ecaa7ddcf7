import type { RawData, WebSocket } from "ws";
import type { StreamFault } from "./deepgram-faults.ts";
import { FluxStream } from "./deepgram-flux.ts";
import { NovaStream } from "./deepgram-nova.ts";
import type { ListenPace } from "./deepgram-options.ts";
import type { FluxQuery, NovaQuery } from "./deepgram-query.ts";
import { SoundWatch, type SoundWindow } from "./sound-watch.ts";
import type { SpokenScript } from "./spoken-script.ts";

/** A connection as the stand-in saw it. */
export interface DeepgramConnection {
  /** "/v1/listen" or "/v2/listen". */
  readonly path: string;
  /** What was given several times is parted by «, ». */
  readonly query: Readonly<Record<string, string>>;
  /** What the client said in JSON: KeepAlive, Finalize, CloseStream … */
  readonly received: readonly unknown[];
  /** What it was told. */
  readonly sent: readonly unknown[];
  /** How much audio it sent, in ms. */
  readonly audioMs: number;
  /** Messages with audio. */
  readonly audioMessages: number;
  /** Code of the end as the stand-in saw it; null while it lasts. */
  readonly closeCode: number | null;
}

const MAX_LOGGED = 2000;
const LEAVE_TO_READ_MS = 10;
// developers.deepgram.com/docs/audio-keep-alive: ten seconds. Flux: a minute, pings count (deepgram-python-sdk issue 618).
export const NOVA_IDLE_MS = 10_000;
export const FLUX_IDLE_MS = 60_000;

/** One client of the stand-in: its socket, its audio, the faults that await it. */
export class ListenConnection implements DeepgramConnection {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly received: unknown[] = [];
  readonly sent: unknown[] = [];
  audioMessages = 0;
  closeCode: number | null = null;
  readonly #socket: WebSocket;
  readonly #watch: SoundWatch;
  readonly #stream: NovaStream | FluxStream;
  readonly #faults: StreamFault[];
  readonly #pace: ListenPace;
  readonly #problem: (text: string) => void;
  readonly #onSent: (message: unknown) => void;
  readonly #idle: NodeJS.Timeout;
  readonly #delayed = new Set<NodeJS.Timeout>();
  #mute = false;
  #over = false;

  constructor(options: {
    socket: WebSocket;
    url: URL;
    query: NovaQuery | FluxQuery;
    pace: ListenPace;
    script: SpokenScript;
    faults: StreamFault[];
    problem: (text: string) => void;
    onSent: (message: unknown) => void;
  }) {
    const { socket, url, query, pace, script } = options;
    this.path = url.pathname;
    this.query = Object.fromEntries(
      [...url.searchParams.keys()].map((name) => [name, url.searchParams.getAll(name).join(", ")]),
    );
    this.#socket = socket;
    this.#pace = pace;
    this.#faults = [...options.faults];
    this.#problem = options.problem;
    this.#onSent = options.onSent;
    const isFlux = "eotThreshold" in query;
    const idleMs = pace.idleTimeoutMs ?? (isFlux ? FLUX_IDLE_MS : NOVA_IDLE_MS);
    this.#idle = setTimeout(() => this.#starved(), idleMs);
    this.#strike(0);
    const send = (message: object) => this.#send(JSON.stringify(message));
    this.#stream = isFlux
      ? new FluxStream(query, { ...pace, updateEveryMs: pace.interimEveryMs ?? 250 }, script, send)
      : new NovaStream(query, { ...pace, interimEveryMs: pace.interimEveryMs ?? 1000 }, script, send);
    this.#watch = new SoundWatch(query.sampleRate, pace.soundThreshold, (window) => this.#window(window));
    socket.on("message", (data, isBinary) => this.#message(data, isBinary));
    socket.on("ping", () => this.#idle.refresh());
    socket.on("close", (code) => {
      this.closeCode = code;
      this.#end();
    });
    socket.on("error", () => {}); // `close` follows
  }

  get audioMs(): number {
    return this.#watch.heardMs;
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#over) return;
    this.#idle.refresh();
    if (!isBinary) {
      this.#command(String(data));
      return;
    }
    const bytes = data as Buffer;
    this.audioMessages += 1;
    this.#watch.push(bytes);
    if (bytes.length > 0) return;
    // developers.deepgram.com/docs/stt-troubleshooting-websocket-data-and-net-errors: it closes the stream.
    this.#problem("an empty binary message");
    this.#finish();
  }

  #window(window: SoundWindow): void {
    this.#strike(window.atMs);
    if (!this.#over && !this.#mute) this.#stream.window(window);
  }

  #strike(atMs: number): void {
    while (!this.#over && this.#faults[0] !== undefined && this.#faults[0].afterMs <= atMs) {
      const fault = this.#faults.shift()!;
      if (fault.kind === "mute") this.#mute = true;
      else if (fault.kind === "say") this.#send(fault.text);
      else if (fault.kind === "close") this.#close(fault.code, fault.reason);
      else this.#cut();
    }
  }

  #command(text: string): void {
    const message = parseObject(text);
    if (this.received.length < MAX_LOGGED) this.received.push(message ?? text);
    if (message?.type === "CloseStream") this.#finish();
    else if (this.#stream instanceof FluxStream) {
      if (this.#stream.command(message ?? {})) return;
      this.#problem(`Flux knows no message like ${text.slice(0, 80)}`);
      this.#close(1008, "UNPARSABLE_CLIENT_MESSAGE");
    } else if (message?.type === "Finalize") this.#stream.finalize();
    else if (message?.type !== "KeepAlive") {
      this.#problem(`nova knows no message like ${text.slice(0, 80)}`);
      this.#close(1008, "DATA-0000");
    }
  }

  #finish(): void {
    if (this.#mute) return;
    this.#stream.end();
    this.#close(this.#stream instanceof FluxStream ? undefined : 1000);
  }

  #starved(): void {
    if (this.#over) return;
    this.#problem("neither audio nor KeepAlive in time");
    this.#close(1011, "Deepgram did not receive audio data or a text message within the timeout window. NET-0001");
  }

  #send(text: string): void {
    if (this.#mute) return;
    this.#later(() => {
      if (this.#socket.readyState !== this.#socket.OPEN) return;
      const message = parseObject(text) ?? text;
      if (this.sent.length < MAX_LOGGED) this.sent.push(message);
      this.#onSent(message);
      this.#socket.send(text);
    });
  }

  /** Behind what is still to be said. */
  #close(code?: number, reason?: string): void {
    this.#over = true;
    this.#later(() => this.#socket.close(code, reason));
  }

  /** Not in the same breath as what was said last: a reset would take that away from the client. */
  #cut(): void {
    this.#over = true;
    this.#after(this.#pace.delayMs + LEAVE_TO_READ_MS, () => this.#socket.terminate());
  }

  #later(act: () => void): void {
    if (this.#pace.delayMs === 0) act();
    else this.#after(this.#pace.delayMs, act);
  }

  #after(delayMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      act();
    }, delayMs);
    this.#delayed.add(timer);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#idle);
    for (const timer of this.#delayed) clearTimeout(timer);
  }
}

function parseObject(text: string): { readonly type?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
