import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  createRealtimeStandIn,
  type RealtimeStandIn,
  type RealtimeStandInOptions,
  standInSpeech,
} from "../../../src/simulator/services/index.ts";

type Message = Record<string, unknown> & { type: string };

/** A client that says what it is told, and keeps what it hears. */
class Client {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<unknown[]>;
  #wake = () => {};

  constructor(openai: RealtimeStandIn, { key = "any", model = "gpt-realtime-2.1" } = {}) {
    this.socket = new WebSocket(`${openai.url}/realtime?model=${model}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    this.closed = once(this.socket, "close");
    this.socket.on("message", (data) => {
      this.messages.push(JSON.parse(String(data)) as Message);
      this.#wake();
    });
  }

  /** The next message of this type that has not been asked for. */
  async next(type: string): Promise<Message> {
    for (;;) {
      const index = this.messages.findIndex((message) => message.type === type);
      if (index >= 0) return this.messages.splice(index, 1)[0] as Message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Says a text, and is silent then for so long. */
  say(text: string, silenceMs = 600): void {
    const { pcm } = standInSpeech(text, 24_000);
    const all = new Int16Array(pcm.length + silenceMs * 24);
    all.set(pcm);
    const audio = Buffer.from(all.buffer).toString("base64");
    this.send({ type: "input_audio_buffer.append", audio });
  }
}

async function connected(options: RealtimeStandInOptions = {}) {
  const openai = await createRealtimeStandIn({ delayMs: 0, ...options });
  const client = new Client(openai);
  await client.next("session.created");
  return { openai, client, [Symbol.asyncDispose]: () => openai.close() };
}

const errorOf = ({ error }: Message) => error as Record<string, unknown>;

describe("the stand-in for OpenAI's Realtime API", () => {
  it("sets a session up field by field", async () => {
    await using scene = await connected();
    const { client } = scene;
    client.send({ type: "session.update", session: { type: "realtime", audio: { output: { voice: "cedar" } } } });
    const { session } = await client.next("session.updated");
    expect(session).toMatchObject({
      audio: { input: { format: { type: "audio/pcm", rate: 24_000 } }, output: { voice: "cedar", speed: 1 } },
    });
  });

  it("tells of every event as it goes out, and on which connection", async () => {
    const sent: [number, unknown][] = [];
    await using scene = await connected({ onSent: ({ type }, connection) => sent.push([connection, type]) });
    const other = new Client(scene.openai);
    await other.next("session.created");
    other.send({ type: "input_audio_buffer.clear" });
    await other.next("input_audio_buffer.cleared");
    expect(sent).toEqual([
      [0, "session.created"],
      [1, "session.created"],
      [1, "input_audio_buffer.cleared"],
    ]);
  });

  it("hears a turn and answers it with the published events in their order", async () => {
    await using scene = await connected({ replies: ["It is noon."], utterances: ["What time is it?"] });
    const { client, openai } = scene;
    client.say("What time is it?");
    await client.next("response.done");
    const types = client.messages.map(({ type }) => type);
    const inOrder = types.filter((type, index) => type !== types[index - 1]);
    expect(inOrder.filter((type) => !/^conversation\.item|delta$/.test(type))).toEqual([
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "response.created",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_audio.done",
      "response.output_audio_transcript.done",
      "response.content_part.done",
      "response.output_item.done",
    ]);
    const spoken = client.messages.filter(({ type }) => type === "response.output_audio.delta");
    const bytes = Buffer.concat(spoken.map(({ delta }) => Buffer.from(String(delta), "base64")));
    const { pcm } = standInSpeech("It is noon.", 24_000);
    expect(bytes).toEqual(Buffer.from(pcm.buffer));
    const started = client.messages.find(({ type }) => type === "input_audio_buffer.speech_started");
    expect(started).toMatchObject({ audio_start_ms: 0 });
    expect(await client.next("input_audio_buffer.speech_stopped")).toMatchObject({
      item_id: started?.item_id,
      audio_end_ms: expect.closeTo(4 * 300 - 60 + 500, -2),
    });
    expect(openai.heard).toMatchObject([{ text: "What time is it?" }]);
    expect(openai.problems).toEqual([]);
  });

  it("cancels what it says when the caller speaks", async () => {
    await using scene = await connected({ replies: ["One two three four five six seven eight nine ten."] });
    const { client } = scene;
    client.send({ type: "response.create" });
    await client.next("response.output_audio.delta");
    client.say("Stop.", 0);
    const { response } = await client.next("response.done");
    expect(response).toMatchObject({ status: "cancelled", status_details: { reason: "turn_detected" } });
  });

  it("truncates what was said, and refuses what was not", async () => {
    await using scene = await connected({ replies: ["One two."] });
    const { client, openai } = scene;
    client.send({ type: "response.create" });
    await client.next("response.done");
    const [{ itemId, audioMs } = { itemId: "", audioMs: 0 }] = openai.responses;
    const truncate = (item_id: string, audio_end_ms: number) =>
      client.send({ type: "conversation.item.truncate", item_id, content_index: 0, audio_end_ms, event_id: "mine" });
    truncate(itemId, audioMs + 1);
    expect(errorOf(await client.next("error"))).toEqual({
      type: "invalid_request_error",
      code: "invalid_value",
      message: `Audio content of ${audioMs}ms is already shorter than ${audioMs + 1}ms`,
      param: null,
      event_id: "mine",
    });
    truncate(itemId, 300);
    expect(await client.next("conversation.item.truncated")).toMatchObject({ item_id: itemId, audio_end_ms: 300 });
    truncate("item_of_nobody", 10);
    expect(errorOf(await client.next("error"))).toMatchObject({ code: "item_truncate_invalid_item_id" });
    expect(openai.truncations.map(({ refused }) => refused)).toEqual([true, false, true]);
    expect(JSON.stringify(openai.connections[0]?.items)).not.toContain("One two.");
  });

  it("answers wrong messages as the service does, and counts them", async () => {
    await using scene = await connected({ replies: ["One two three four five six."] });
    const { client, openai } = scene;
    const wrong: [object, string][] = [
      [{ type: "session.updat" }, "invalid_value"],
      [{ type: "session.update", session: { voice: "marin" } }, "missing_required_parameter"],
      [{ type: "session.update", session: { type: "realtime", voice: "marin" } }, "unknown_parameter"],
      [{ type: "session.update", session: { type: "realtime", audio: { output: { voice: "bob" } } } }, "invalid_value"],
      [{ type: "input_audio_buffer.append", audio: "§" }, "invalid_value"],
      [{ type: "response.cancel" }, "response_cancel_not_active"],
      [{ type: "conversation.item.delete", item_id: "x" }, "item_delete_invalid_item_id"],
      [
        {
          type: "conversation.item.create",
          item: { type: "message", role: "assistant", content: [{ type: "output_audio" }] },
        },
        "invalid_value",
      ],
      [
        { type: "conversation.item.create", item: { type: "function_call_output", call_id: "x", output: "" } },
        "invalid_value",
      ],
    ];
    for (const [message, code] of wrong) {
      client.send(message);
      expect([message, errorOf(await client.next("error")).code]).toEqual([message, code]);
    }
    client.send({ type: "response.create" });
    client.send({ type: "response.create" });
    expect(errorOf(await client.next("error")).code).toBe("conversation_already_has_active_response");
    client.socket.send("{");
    expect(errorOf(await client.next("error")).code).toBe("invalid_json");
    expect(openai.problems).toHaveLength(wrong.length + 2);
  });

  it("turns away a wrong key and a model it does not have", async () => {
    await using openai = await createRealtimeStandIn({ apiKey: "good", models: ["gpt-realtime-2.1"] });
    for (const [wrong, code] of [
      [{ key: "bad" }, "invalid_api_key"],
      [{ key: "good", model: "gpt-0" }, "model_not_found"],
    ] as const) {
      const client = new Client(openai, wrong);
      expect(errorOf(await client.next("error")).code).toBe(code);
      expect((await client.closed)[0]).toBe(3000);
    }
  });

  it("expires, and closes in mid-answer", async () => {
    await using scene = await connected({
      replies: [
        { text: "One two three.", expireAtMs: 100 },
        { text: "One two three.", closeAtMs: 100, closeCode: 1011 },
      ],
    });
    scene.client.send({ type: "response.create" });
    expect(errorOf(await scene.client.next("error"))).toMatchObject({ code: "session_expired" });
    expect((await scene.client.closed)[0]).toBe(1001);
    const client = new Client(scene.openai);
    await client.next("session.created");
    client.send({ type: "response.create" });
    expect((await client.closed)[0]).toBe(1011);
    expect(scene.openai.responses.map(({ audioMs }) => audioMs)).toEqual([100, 100]);
  });

  it("calls functions in pieces", async () => {
    const call = { name: "look_up", argumentPieces: ['{"id"', ":7}"] };
    await using scene = await connected({ replies: [{ toolCalls: [call] }, "Done."] });
    const { client, openai } = scene;
    client.send({ type: "response.create" });
    expect(await client.next("response.function_call_arguments.done")).toMatchObject({ arguments: '{"id":7}' });
    const { response } = await client.next("response.done");
    expect(response).toMatchObject({ output: [{ type: "function_call", name: "look_up", call_id: "call_0_0" }] });
    const item = { type: "function_call_output", call_id: "call_0_0", output: "{}" };
    client.send({ type: "conversation.item.create", item });
    client.send({ type: "response.create", response: { metadata: { ask: "1" } } });
    expect(await client.next("response.created")).toMatchObject({ response: { status: "in_progress" } });
    await client.next("response.done");
    expect(openai.problems).toEqual([]);
  });
});
