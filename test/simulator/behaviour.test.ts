import { afterEach, describe, expect, it } from "vitest";
import {
  type Behaviour,
  createWavixSimulator,
  defaultBehaviour,
  type PlaceCallOptions,
} from "../../src/simulator/index.ts";
import { answer, openTinyServer, request, type TinyServerOptions } from "./tiny-server.ts";
import { streamMessageErrors } from "./wavix-schemas.ts";

const opened: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** A call with switches, on a server that records. */
async function place(
  behaviour: Partial<Behaviour>,
  options: Partial<PlaceCallOptions> = {},
  serverOptions: TinyServerOptions = {},
) {
  const server = await openTinyServer(serverOptions);
  const simulator = await createWavixSimulator({ behaviour });
  opened.push(server, simulator);
  const call = simulator.placeCall({ webhookUrl: server.webhookUrl, ...options });
  const types = () => server.events.map(({ event_type }) => event_type);
  return { server, simulator, call, types };
}

/** The same, answered, with its two-way stream open. */
async function connect(behaviour: Partial<Behaviour>, options: Partial<PlaceCallOptions> = {}) {
  const placed = await place(behaviour, options);
  await answer(placed.simulator, placed.call.id, placed.server.streamUrl);
  await placed.call.streaming;
  return placed;
}

const media = (byteLength: number) =>
  JSON.stringify({ event: "media", media: { payload: Buffer.alloc(byteLength).toString("base64") } });

describe("switches", () => {
  it.each([
    { nonsense: 1 },
    { webhookOrder: "backwards" },
    { closeCode: 1006 },
    { closeCode: "1000" },
    { eventsBeforeAnswer: ["call_setup", "hello"] },
    { eventWhenCompleted: "hello" },
    { accountWebhookUrl: "ftp://example.com" },
    { mediaDuringSilence: undefined },
    { webhookCopies: -1 },
    { maxBufferedMs: Number.POSITIVE_INFINITY },
  ])("are refused as %j", async (behaviour) => {
    await expect(createWavixSimulator({ behaviour: behaviour as Partial<Behaviour> })).rejects.toThrow(
      new RegExp(Object.keys(behaviour)[0]!),
    );
  });

  it("take their defaults", async () => {
    const simulator = await createWavixSimulator({ behaviour: { ...defaultBehaviour } });
    await simulator.close();
  });
});

describe("webhooks", () => {
  it("come in the order, and with the ids, that were asked for", async () => {
    const { server, call, types } = await connect({
      eventsBeforeAnswer: ["ringing", "early_media", "call_setup"],
      eventsOnAnswer: [],
      eventWhenCompleted: null,
      callIdFields: "uuid",
    });
    call.hangUp();
    await call.ended;
    expect(types().slice(0, 1)).toEqual(["ringing"]);
    expect(types()).not.toContain("answered");
    expect(server.events[0]).toMatchObject({ uuid: call.id });
    expect(server.events[0]).not.toHaveProperty("id");
  });

  it("come with `id` only, and twice", async () => {
    const { server, call, types } = await place({ callIdFields: "id", webhookCopies: 2 });
    await server.webhook("ringing");
    await expect.poll(types).toEqual(["call_setup", "call_setup", "ringing", "ringing"]);
    expect(server.events[0]).toMatchObject({ id: call.id });
    expect(server.events[0]).not.toHaveProperty("uuid");
  });

  it("leave out what the answer has overtaken", async () => {
    // A server that replies to nothing.
    const { server, simulator, call, types } = await place(
      { webhookTimeoutMs: 1_000 }, // within which the answer must come, on a busy machine too
      {},
      { onWebhook: () => undefined },
    );
    await server.webhook("call_setup");
    await request(simulator, "POST", `/v1/calls/${call.id}/answer`, {});
    await server.webhook("answered");
    expect(types()).toEqual(["call_setup", "answered"]);
  });

  it("come all at once", async () => {
    const { server, simulator, call } = await place(
      { webhookOrder: "at-once", webhookTimeoutMs: 500 },
      {},
      { onWebhook: () => undefined },
    );
    await Promise.all([server.webhook("call_setup"), server.webhook("ringing")]);
    await request(simulator, "POST", `/v1/calls/${call.id}/answer`, {});
    await server.webhook("answered");
    expect(call.report().webhooks).toEqual([]);
  });

  it("are repeated until the reply is 200", async () => {
    let failures = 2;
    const { call } = await place(
      { webhookRetries: 3, webhookRetryDelayMs: 5, eventsBeforeAnswer: ["call_setup"] },
      {},
      {
        onWebhook: (_, response) => {
          response.statusCode = failures-- > 0 ? 500 : 200;
          response.end("reply");
        },
      },
    );
    expect(await call.announced).toMatchObject({ status: 200, attempts: 3, reply: "reply" });
  });

  it("time out, and tell why they failed", async () => {
    const { call } = await place({ webhookTimeoutMs: 30 }, {}, { onWebhook: () => undefined });
    expect(await call.announced).toMatchObject({ status: null, error: "TIMEOUT", attempts: 1 });
    const gone = await openTinyServer();
    await gone.close();
    const refused = await place({}, { webhookUrl: gone.webhookUrl });
    expect(await refused.call.announced).toMatchObject({ status: null, error: "ECONNREFUSED" });
  });

  it("go to the account's webhook too", async () => {
    const account = await openTinyServer();
    opened.push(account);
    const { server, types } = await place({ accountWebhookUrl: account.webhookUrl });
    await account.webhook("ringing");
    await server.webhook("ringing");
    expect(account.events.map(({ event_type }) => event_type)).toEqual(types());
  });

  it("say how an unanswered call ended", async () => {
    const rejected = await place({});
    await request(rejected.simulator, "DELETE", `/v1/calls/${rejected.call.id}`);
    await rejected.call.ended;
    expect(rejected.types().at(-1)).toBe("rejected");
    const busy = await place({ eventWhenCallerGaveUp: "busy" }, { ringTimeoutMs: 10 });
    await busy.call.ended;
    expect(busy.types().at(-1)).toBe("busy");
  });
});

describe("messages", () => {
  it.each([
    ["rtp-8khz", 160, 160],
    ["rtp-24khz", 0, 480],
    ["ms", 20, 20],
  ] as const)("count time in %s", async (timestampUnit, timestampStart, step) => {
    const { server, call } = await connect({ timestampUnit, timestampStart }, { hangUpAfterMs: 90 });
    await call.ended;
    const timestamps = server.messages.flatMap((message) => message.media?.timestamp ?? []);
    expect(timestamps.slice(0, 3)).toEqual([timestampStart, timestampStart + step, timestampStart + 2 * step]);
  });

  it("may write numbers as strings", async () => {
    const { server } = await connect({ numbersAsStrings: true });
    expect((await server.message("start")).sequence_number).toBe("1");
    const first = await server.message("media");
    expect(first).toMatchObject({ sequence_number: "2", media: { timestamp: "160", chunk: "1" } });
    expect(streamMessageErrors(first)).not.toBeNull();
  });

  it("may leave out `connected`, `start` and silence", async () => {
    const { server, call } = await connect(
      { sendConnected: false, sendStart: false, mediaDuringSilence: false },
      { callerAudio: new Int16Array(480).fill(9), speakAfterMs: 60, hangUpAfterMs: 150 },
    );
    const { recording } = await call.ended;
    expect(server.messages.map(({ event }) => event)).toEqual(["media", "stop"]);
    expect(server.messages[0]).toMatchObject({ sequence_number: 2, media: { chunk: 1, timestamp: 160 * 4 } });
    expect(recording!.said.indexOf(9)).toBe(3 * 480);
  });

  it("carry both tracks of a one-way stream, chunks counted together or apart", async () => {
    for (const tracksShareChunkCount of [true, false]) {
      const { server, simulator, call } = await connect({ tracksShareChunkCount });
      const oneway = { stream_url: server.streamUrl, stream_type: "oneway", stream_channel: "both" };
      const { body } = await request(simulator, "POST", `/v1/calls/${call.id}/streams`, oneway);
      const chunks = () =>
        server.messages
          .filter(({ stream_id, event }) => stream_id === body.stream_id && event === "media")
          .map(({ media }) => [media!.track, media!.chunk]);
      await expect.poll(() => chunks().length).toBeGreaterThan(3);
      const [a, b] = tracksShareChunkCount ? [2, 4] : [1, 2];
      const [c, d] = tracksShareChunkCount ? [1, 3] : [1, 2];
      expect(chunks().slice(0, 4)).toEqual([
        ["inbound", c],
        ["outbound", a],
        ["inbound", d],
        ["outbound", b],
      ]);
      // What is sent on a one-way stream is not heard.
      server.sockets[1]!.send(media(960));
      await expect.poll(() => call.report().received.onewayMessages).toBe(1);
    }
  });

  it("of the outbound track are what the caller hears", async () => {
    const { server, simulator, call } = await connect({});
    const oneway = { stream_url: server.streamUrl, stream_type: "oneway", stream_channel: "outbound" };
    await request(simulator, "POST", `/v1/calls/${call.id}/streams`, oneway);
    const loud = Buffer.from(new Int16Array(4800).fill(500).buffer).toString("base64");
    server.sockets[0]!.send(JSON.stringify({ event: "media", media: { payload: loud } }));
    const whole = Buffer.from(new Int16Array(480).fill(500).buffer).toString("base64");
    const outbound = () =>
      server.messages.filter(({ media }) => media?.track === "outbound" && media.payload === whole);
    await expect.poll(() => outbound().length).toBeGreaterThanOrEqual(8);
  });

  it("go to stream_url with or without its query", async () => {
    const { server, simulator, call } = await place({ keepStreamUrlQuery: false });
    await answer(simulator, call.id, `${server.streamUrl}/token?a=b`);
    await call.streaming;
    expect(server.socketPaths).toEqual(["/ws/token"]);
  });
});

describe("playback", () => {
  it("is capped", async () => {
    const { server, call } = await connect({ maxBufferedMs: 100 });
    for (let at = 0; at < 50; at++) server.sockets[0]!.send(media(960));
    await expect.poll(() => call.report().received.packets).toBe(50);
    expect(call.report().playout.droppedMs).toBeGreaterThan(800);
  });

  it.each([
    [{}, 1920 + 480, 50],
    [{ oddByteMedia: "drop" }, 1920, 40],
    [{ offSizeMedia: "drop" }, 0, 0],
  ] as const)("with %j takes media of other sizes as told", async (behaviour, byteLength, playedMs) => {
    const { server, call } = await connect(behaviour);
    server.sockets[0]!.send(media(1920));
    server.sockets[0]!.send(media(481));
    await expect.poll(() => call.report().received.offSizePackets).toBe(2);
    call.hangUp();
    const { playout } = await call.ended;
    expect(playout.playedMs + playout.unheardMs).toBeCloseTo(playedMs, 6);
    expect(byteLength / 48).toBeCloseTo(playedMs, 6);
  });

  it("echoes marks late", async () => {
    const { server, call } = await connect({ markEchoDelayMs: 60 });
    const startedMs = performance.now();
    server.sockets[0]!.send(JSON.stringify({ event: "mark", mark: { name: "late" } }));
    await server.message("mark");
    expect(performance.now() - startedMs).toBeGreaterThan(55);
    expect(call.report().sent.marks).toBe(1);
  });

  it("closes on a message that is too large", async () => {
    const { server, call } = await connect({ maxMessageBytes: 1000 });
    const closed = new Promise((resolve) => server.sockets[0]!.on("close", resolve));
    server.sockets[0]!.send(media(960));
    expect(await closed).toBe(1009);
    call.hangUp();
    await call.ended;
  });
});

describe("the end of a stream", () => {
  it.each([
    ["stop-then-close", true, 1000],
    ["close-only", false, 1000],
  ] as const)("is %s", async (streamEnd, stops, code) => {
    const { server, call } = await connect({ streamEnd });
    const closed = new Promise((resolve) => server.sockets[0]!.on("close", resolve));
    call.hangUp();
    expect(await closed).toBe(code);
    expect(server.messages.some(({ event }) => event === "stop")).toBe(stops);
    expect(await call.ended).toMatchObject({ closedBy: "simulator", sent: { stops: stops ? 1 : 0 } });
  });

  it("leaves the close to the server", async () => {
    const { server, call } = await connect({ streamEnd: "stop-only" });
    server.sockets[0]!.send(media(960 * 50));
    await expect.poll(() => call.report().received.packets).toBe(1);
    call.hangUp();
    await server.message("stop");
    const { playout } = call.report();
    // What was not heard by then is not heard while the server takes its time.
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.sockets[0]!.close(4321);
    expect(await call.ended).toMatchObject({ closedBy: "server", closeCode: 4321, playout });
    expect(playout.unheardMs).toBeGreaterThan(500);
  });

  it("has another close code", async () => {
    const { call } = await connect({ closeCode: 1001 });
    call.hangUp();
    expect(await call.ended).toMatchObject({ closeCode: 1001 });
  });

  it("after DELETE may leave the socket open, and the call goes on", async () => {
    const { server, simulator, call } = await connect({ stoppedStreamCloses: false });
    const { stream_id } = await server.message("start");
    await request(simulator, "DELETE", `/v1/calls/${call.id}/streams/${stream_id}`);
    await server.message("stop");
    server.sockets[0]!.send(media(960));
    await expect.poll(() => call.report().received.messagesAfterStop).toBe(1);
    expect(server.sockets[0]!.readyState).toBe(1);
    call.hangUp();
    expect(await call.ended).toMatchObject({ closedBy: "simulator", sent: { stops: 1 } });
  });

  it("comes before or after the last webhook", async () => {
    for (const [endOrder, socketState] of [
      ["stream-first", 3],
      ["webhook-first", 1],
    ] as const) {
      let stateAtWebhook: number | undefined;
      const placed = await place(
        { endOrder },
        {},
        {
          onWebhook: (event, response) => {
            if (event.event_type === "completed") stateAtWebhook = placed.server.sockets[0]!.readyState;
            response.end();
          },
        },
      );
      await answer(placed.simulator, placed.call.id, placed.server.streamUrl);
      await placed.call.streaming;
      await placed.server.message("media");
      placed.call.hangUp();
      await placed.call.ended;
      // The server's own side may still be closing.
      if (socketState === 1) expect(stateAtWebhook).toBe(1);
      else expect(stateAtWebhook).toBeGreaterThan(1);
    }
  });

  it("by the server leaves the call up, or ends it", async () => {
    const up = await connect({});
    up.server.sockets[0]!.close(1000);
    await expect.poll(() => up.call.report().closedBy).toBe("server");
    expect(up.call.state).toBe("answered");
    const over = await connect({ serverCloseEndsCall: true });
    over.server.sockets[0]!.close(1000);
    expect(await over.call.ended).toMatchObject({ endedBy: "socket", closedBy: "server", hungUpOverRest: false });
  });

  it("is not the end of the figures", async () => {
    const { server, simulator, call } = await connect({});
    for (const at of [0, 1]) {
      const socket = server.sockets[at]!;
      for (let packet = 0; packet < 50; packet++) socket.send(media(960));
      await expect.poll(() => call.report().received.packets).toBe(50 * (at + 1));
      const { stream_id } = server.messages.filter(({ event }) => event === "start")[at]!;
      await request(simulator, "DELETE", `/v1/calls/${call.id}/streams/${stream_id}`);
      if (at === 0) {
        const again = { stream_url: `${server.streamUrl}#part`, stream_type: "twoway", stream_channel: "inbound" };
        expect((await request(simulator, "POST", `/v1/calls/${call.id}/streams`, again)).status).toBe(200);
        await expect.poll(() => server.messages.filter(({ event }) => event === "start").length).toBe(2);
      }
    }
    call.hangUp();
    const { playout, sent, streamId } = await call.ended;
    expect(playout.playedMs + playout.unheardMs).toBeCloseTo(2000, 6);
    expect(sent.stops).toBe(2);
    expect(streamId).toBe(server.messages.find(({ event }) => event === "start")!.stream_id);
  });

  it("that never began may end the call", async () => {
    const { simulator, call } = await place({ failedStreamEndsCall: true });
    await answer(simulator, call.id, "ws://127.0.0.1:1");
    expect(await call.ended).toMatchObject({ endedBy: "stream", streamError: "ECONNREFUSED" });
  });
});

describe("REST", () => {
  const twoway = (url: string) => ({ stream_url: url, stream_type: "twoway", stream_channel: "inbound" });

  it("may reply only when the socket is open", async () => {
    const { server, simulator, call } = await place({ replyAfterSocket: true });
    const reply = await answer(simulator, call.id, server.streamUrl);
    expect(reply.status).toBe(200);
    expect(server.sockets).toHaveLength(1);
    const failed = await place({ replyAfterSocket: true });
    expect((await answer(failed.simulator, failed.call.id, "ws://127.0.0.1:1")).status).toBe(400);
  });

  it.each([200, 400, 404] as const)("replies %d to a second answer", async (answerTwice) => {
    const { server, simulator, call } = await connect({ answerTwice });
    expect((await answer(simulator, call.id, server.streamUrl)).status).toBe(answerTwice);
    expect(server.sockets).toHaveLength(1);
  });

  it("refuses or accepts a stream before the answer", async () => {
    for (const [streamBeforeAnswer, status] of [
      ["refuse", 400],
      ["accept", 200],
    ] as const) {
      const { server, simulator, call } = await place({ streamBeforeAnswer });
      const { streamUrl } = server;
      expect((await request(simulator, "POST", `/v1/calls/${call.id}/streams`, twoway(streamUrl))).status).toBe(status);
    }
  });

  it("refuses, replaces or accepts a second two-way stream", async () => {
    for (const [secondTwoWayStream, status, open] of [
      ["refuse", 400, 1],
      ["replace", 200, 1],
      ["accept", 200, 2],
    ] as const) {
      const { server, simulator, call } = await connect({ secondTwoWayStream });
      await server.message("start");
      const { streamUrl } = server;
      expect((await request(simulator, "POST", `/v1/calls/${call.id}/streams`, twoway(streamUrl))).status).toBe(status);
      const alive = () => server.sockets.filter(({ readyState }) => readyState === 1).length;
      await expect.poll(() => [server.sockets.length, alive()]).toEqual([status === 200 ? 2 : 1, open]);
    }
  });

  it("refuses or accepts a sixth one-way stream", async () => {
    for (const [sixthOneWayStream, status] of [
      ["refuse", 400],
      ["accept", 200],
    ] as const) {
      const { server, simulator, call } = await connect({ sixthOneWayStream });
      const start = () =>
        request(simulator, "POST", `/v1/calls/${call.id}/streams`, {
          ...twoway(server.streamUrl),
          stream_type: "oneway",
        });
      for (let at = 0; at < 5; at++) expect((await start()).status).toBe(200);
      expect((await start()).status).toBe(status);
    }
  });

  it("replies as told to calls and streams that are not there", async () => {
    const unknown = "00000000-0000-4000-8000-000000000000";
    const plain = await connect({});
    const { streamUrl } = plain.server;
    expect((await request(plain.simulator, "POST", `/v1/calls/${unknown}/streams`, twoway(streamUrl))).status).toBe(
      404,
    );
    expect((await request(plain.simulator, "DELETE", `/v1/calls/${plain.call.id}/streams/${unknown}`)).status).toBe(
      200,
    );
    const other = await connect({ unknownCallOnStreams: 400, unknownStreamOnDelete: 404 });
    expect((await request(other.simulator, "POST", `/v1/calls/${unknown}/streams`, twoway(streamUrl))).status).toBe(
      400,
    );
    expect((await request(other.simulator, "DELETE", `/v1/calls/${other.call.id}/streams/${unknown}`)).status).toBe(
      404,
    );
  });

  it("ignores unknown fields when told to", async () => {
    const { simulator, call } = await place({ unknownBodyFields: "ignore" });
    expect((await request(simulator, "POST", `/v1/calls/${call.id}/answer`, { codec: "opus" })).status).toBe(200);
  });

  it("may refuse to hang up before the answer", async () => {
    const { simulator, call } = await place({ hangUpBeforeAnswer: "refuse" });
    expect((await request(simulator, "DELETE", `/v1/calls/${call.id}`)).status).toBe(404);
    expect(call.state).toBe("ringing");
  });

  it("forgets or knows calls that are over", async () => {
    for (const [endedCalls, status] of [
      ["gone", 404],
      ["known", 200],
    ] as const) {
      const { simulator, call } = await place({ endedCalls });
      call.hangUp();
      await call.ended;
      expect((await request(simulator, "GET", `/v1/calls/${call.id}`)).status).toBe(status);
    }
  });

  it("lets a call behave differently from the others", async () => {
    const { simulator, call, server } = await place({}, { behaviour: { answerTwice: 200 } });
    await answer(simulator, call.id, server.streamUrl);
    expect((await answer(simulator, call.id, server.streamUrl)).status).toBe(200);
  });
});
