import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  type CartesiaStandIn,
  type CartesiaStandInOptions,
  createCartesiaStandIn,
  standInSpeech,
} from "../../../src/simulator/services/index.ts";

interface Answer {
  type: string;
  context_id?: string;
  data?: string;
  done: boolean;
  status_code: number;
  title?: string;
  error_code?: string | null;
  flush_id?: number;
  word_timestamps?: { words: string[]; start: number[]; end: number[] };
}

const FORMAT = { container: "raw", encoding: "pcm_s16le", sample_rate: 24000 };
const VOICE = { mode: "id", id: "a-voice" };

/** A client that keeps what comes. */
class Client {
  readonly answers: Answer[] = [];
  readonly #socket: WebSocket;
  readonly closed: Promise<number>;
  #watchers: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = once(socket, "close").then(([code]) => code as number);
    socket.on("error", () => {});
    socket.on("message", (data) => {
      this.answers.push(JSON.parse(String(data)) as Answer);
      for (const watcher of this.#watchers.splice(0)) watcher();
    });
  }

  send(message: unknown): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  generate(context_id: string, transcript: string, isContinued: boolean, more: object = {}): void {
    this.send({
      model_id: "sonic-3.6",
      voice: VOICE,
      output_format: FORMAT,
      add_timestamps: true,
      max_buffer_delay_ms: 0,
      language: "en",
      context_id,
      transcript,
      continue: isContinued,
      ...more,
    });
  }

  async answer(matches: (answer: Answer) => boolean): Promise<Answer> {
    for (;;) {
      const found = this.answers.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  done(contextId: string): Promise<Answer> {
    return this.answer((answer) => answer.type === "done" && answer.context_id === contextId);
  }

  bytes(contextId: string): Buffer {
    const chunks = this.answers.filter(({ type, context_id }) => type === "chunk" && context_id === contextId);
    return Buffer.concat(chunks.map(({ data }) => Buffer.from(data ?? "", "base64")));
  }

  words(contextId: string): [string, number, number][] {
    return this.answers
      .filter(({ type, context_id }) => type === "timestamps" && context_id === contextId)
      .flatMap(({ word_timestamps: timed }) =>
        (timed?.words ?? []).map((word, i): [string, number, number] => [word, timed!.start[i]!, timed!.end[i]!]),
      );
  }
}

async function connect(standIn: CartesiaStandIn, query = "?api_key=k&cartesia_version=2026-03-01"): Promise<Client> {
  const socket = new WebSocket(`${standIn.url}/tts/websocket${query}`);
  await once(socket, "open");
  return new Client(socket);
}

const open = (options: CartesiaStandInOptions = {}) =>
  createCartesiaStandIn({ speed: 100, firstChunkMs: 1, ...options });

const bytesOf = (pcm: Int16Array) => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);

describe("the stand-in's voice", () => {
  it("says the same word the same way, another word another way, and softly at both ends", () => {
    const { pcm, words, durationMs } = standInSpeech("Hello there, Hello. Bye", 24000, { wordMs: 200 });
    expect(words).toEqual([
      { word: "Hello", startMs: 0, endMs: 200 },
      { word: "there,", startMs: 260, endMs: 460 },
      { word: "Hello.", startMs: 520, endMs: 720 },
      { word: "Bye", startMs: 960, endMs: 1160 },
    ]);
    expect(pcm.length).toBe((durationMs * 24000) / 1000);
    const at = (index: number) => pcm.subarray(words[index]!.startMs * 24, words[index]!.endMs * 24);
    expect(at(2)).toEqual(at(0));
    expect(at(1)).not.toEqual(at(0));
    expect(Math.max(...at(0))).toBeGreaterThan(2_000);
    expect(Math.max(...at(0).subarray(0, 24), ...at(0).subarray(-24))).toBeLessThan(200);
    expect(Math.max(...pcm.subarray(200 * 24, 260 * 24))).toBe(0);
  });

  it("takes each character of Chinese for a word", () => {
    expect(standInSpeech("你好。", 8000).words.map(({ word }) => word)).toEqual(["你", "好", "。"]);
    expect(standInSpeech(" ... ", 8000).pcm.length).toBe(0);
  });
});

describe("the Cartesia stand-in", () => {
  it("says a context in the order of its transcripts, with words that count from its beginning", async () => {
    await using cartesia = await open();
    const client = await connect(cartesia);
    client.generate("a", "Hello there. ", true);
    client.generate("a", "Bye now.", true);
    client.generate("a", "", false);
    await client.done("a");
    const first = standInSpeech("Hello there. ", 24000);
    const second = standInSpeech("Bye now.", 24000);
    expect(client.bytes("a")).toEqual(Buffer.concat([bytesOf(first.pcm), bytesOf(second.pcm)]));
    const baseMs = first.durationMs;
    expect(client.words("a")).toEqual([
      ...first.words.map(({ word, startMs, endMs }) => [word, startMs / 1000, endMs / 1000]),
      ...second.words.map(({ word, startMs, endMs }) => [word, (baseMs + startMs) / 1000, (baseMs + endMs) / 1000]),
    ]);
    const flushed = client.answers.filter(({ type }) => type === "flush_done");
    expect(flushed.map(({ flush_id }) => flush_id)).toEqual([1, 2]);
    expect(client.answers.at(-1)).toEqual({ type: "done", done: true, status_code: 206, context_id: "a" });
    expect(cartesia.problems).toEqual([]);
  });

  it("says several contexts at once", async () => {
    await using cartesia = await open({ speed: 20 });
    const client = await connect(cartesia);
    client.generate("a", "One two three four five.", false);
    client.generate("b", "Six seven eight nine ten.", false);
    await Promise.all([client.done("a"), client.done("b")]);
    expect(client.bytes("b")).toEqual(bytesOf(standInSpeech("Six seven eight nine ten.", 24000).pcm));
    const ids = client.answers.filter(({ type }) => type === "chunk").map(({ context_id }) => context_id);
    expect(ids.indexOf("b")).toBeLessThan(ids.lastIndexOf("a"));
  });

  it("speaks to the end of what it has begun when it is cancelled, and no further", async () => {
    await using cartesia = await open({ speed: 20 });
    const client = await connect(cartesia);
    client.generate("a", "One two three.", true);
    client.generate("a", "Never said.", true);
    await client.answer(({ type }) => type === "chunk");
    client.send({ context_id: "a", cancel: true });
    await client.done("a");
    expect(client.bytes("a")).toEqual(bytesOf(standInSpeech("One two three.", 24000).pcm));
  });

  it("gathers text until a sentence ends, unless it is told not to", async () => {
    await using cartesia = await open();
    const client = await connect(cartesia);
    for (const text of ["Hel", "lo the", "re."]) client.generate("a", text, true, { max_buffer_delay_ms: 3000 });
    client.generate("a", "", false, { max_buffer_delay_ms: 3000 });
    await client.done("a");
    expect(client.words("a").map(([word]) => word)).toEqual(["Hello", "there."]);
    expect(client.answers.filter(({ type }) => type === "flush_done")).toEqual([]);
  });

  it("lets a context expire, and takes nothing more for it", async () => {
    await using cartesia = await open({ expiryMs: 1 });
    const client = await connect(cartesia);
    client.generate("a", "Hello.", true);
    await client.answer(({ type }) => type === "flush_done");
    await new Promise((resolve) => setTimeout(resolve, 30)); // nothing says that a context has expired
    client.generate("a", "Late.", true);
    await cartesia.request(({ transcript }) => transcript === "Late.");
    expect(cartesia.problems).toEqual(["context a has expired"]);
  });

  it.each([
    ["no JSON", "{", "Invalid request", undefined],
    ["no context", { transcript: "x" }, "Invalid context ID", undefined],
    ["no model", { context_id: "a", transcript: "x" }, "Invalid model", "a"],
    ["no voice", { context_id: "a", transcript: "x", model_id: "sonic-3.6" }, "Invalid voice", "a"],
    [
      "another container",
      { context_id: "a", transcript: "x", model_id: "sonic-3.6", voice: VOICE, output_format: { container: "wav" } },
      "Invalid output format",
      "a",
    ],
    ["no cancel", { context_id: "a", cancel: "yes" }, "Invalid request", "a"],
  ])("answers a wrong request with an error: %s", async (_, message, title, contextId) => {
    await using cartesia = await open();
    const client = await connect(cartesia);
    client.send(message);
    const error = await client.answer(({ type }) => type === "error");
    expect(error).toMatchObject({ status_code: 400, title, done: true, error_code: null });
    expect(error.context_id).toBe(contextId);
    expect(cartesia.problems).toHaveLength(1);
  });

  it("wants a key and a version: in headers or in the query", async () => {
    await using cartesia = await open({ apiKey: "right" });
    const status = async (query: string, headers: Record<string, string> = {}) => {
      const socket = new WebSocket(`${cartesia.url}/tts/websocket${query}`, { headers });
      const opened = once(socket, "open").then(() => 101);
      const refused = new Promise<number>((resolve) => {
        socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      });
      return Promise.race([opened, refused]);
    };
    expect(await status("?api_key=right&cartesia_version=2026-03-01")).toBe(101);
    expect(await status("", { "X-API-Key": "right", "Cartesia-Version": "2026-03-01" })).toBe(101);
    expect(await status("", { Authorization: "Bearer right", "Cartesia-Version": "2026-03-01" })).toBe(101);
    expect(await status("", { "X-API-Key": "wrong", "Cartesia-Version": "2026-03-01" })).toBe(401);
    expect(await status("", { "X-API-Key": "right" })).toBe(400);
    expect(cartesia.upgradeCount).toBe(5);
  });

  it("knows its voices", async () => {
    await using cartesia = await open({ apiKey: "right", voices: ["a-voice"] });
    const get = async (id: string, key: string) => {
      const headers = { "X-API-Key": key, "Cartesia-Version": "2026-03-01" };
      const response = await fetch(`${cartesia.httpUrl}/voices/${id}`, { headers });
      return [response.status, await response.json()];
    };
    expect(await get("a-voice", "right")).toMatchObject([200, { id: "a-voice", language: "en" }]);
    expect(await get("no-voice", "right")).toMatchObject([404, { title: "Not found" }]);
    expect(await get("a-voice", "wrong")).toMatchObject([401, { title: "Unauthorized", error_code: null }]);
  });

  it("breaks where its script says", async () => {
    await using cartesia = await open({
      upgrades: [429, "accept"],
      maxContexts: 1,
      contexts: [
        { errorAfterMs: 100, error: { statusCode: 503, title: "Overloaded" } },
        { insertAfterMs: 50, insert: ['{"type":"news"}'] },
        { withholdDone: true, stallAfterMs: 100 },
        { closeAfterMs: 100, closeCode: 1011 },
      ],
    });
    await expect(connect(cartesia)).rejects.toThrow("429");
    const client = await connect(cartesia);
    client.generate("a", "One two three.", false);
    expect(await client.answer(({ type }) => type === "error")).toMatchObject({ status_code: 503, context_id: "a" });
    client.generate("b", "One two.", false);
    await client.done("b");
    expect(client.answers.filter(({ type }) => type === "news")).toHaveLength(1);
    client.generate("c", "One two three.", false);
    client.generate("d", "Too many.", false);
    const limited = await client.answer(({ context_id, type }) => type === "error" && context_id === "d");
    expect(limited).toMatchObject({ status_code: 429, error_code: "concurrency_limited" });
    client.send({ context_id: "c", cancel: true });
    const other = await connect(cartesia);
    cartesia.dropConnections(1001);
    expect(await client.closed).toBe(1001);
    expect(await other.closed).toBe(1001);
    const last = await connect(cartesia);
    last.generate("e", "One two three.", false);
    expect(await last.closed).toBe(1011);
  });

  it("closes a connection on which nothing is said", async () => {
    await using cartesia = await open({ idleTimeoutMs: 20 });
    const client = await connect(cartesia);
    expect(await client.closed).toBe(1000);
    await expect.poll(() => cartesia.connectionCount).toBe(0);
  });
});
