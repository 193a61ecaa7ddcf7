import { afterEach, describe, expect, it } from "vitest";
import { createWavixSimulator, type SimulatorOptions, type WavixSimulator } from "../../src/simulator/index.ts";
import { answer, openTinyServer, request, type TinyServer } from "./tiny-server.ts";
import { schemaErrors } from "./wavix-schemas.ts";

const opened: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function open(options: SimulatorOptions = {}): Promise<{ simulator: WavixSimulator; server: TinyServer }> {
  const server = await openTinyServer();
  const simulator = await createWavixSimulator(options);
  opened.push(server, simulator);
  return { simulator, server };
}

const unknownId = "00000000-0000-4000-8000-000000000000";
const stream = { stream_url: "wss://example.com/ws", stream_type: "twoway", stream_channel: "inbound" };

describe("what is documented", () => {
  it("lists and gets calls as Wavix's schema has them", async () => {
    const { simulator, server } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl, from: "+12025550100" });
    await answer(simulator, call.id, server.streamUrl);
    const list = await request(simulator, "GET", "/v1/calls");
    expect(list.status).toBe(200);
    expect(schemaErrors("CallListResponse", list.body)).toBeNull();
    expect(list.body.calls).toHaveLength(1);
    const one = await request(simulator, "GET", `/v1/calls/${call.id}`);
    expect(one.status).toBe(200);
    expect(schemaErrors("CallResponse", one.body)).toBeNull();
    expect(one.body.call).toMatchObject({ id: call.id, uuid: call.id, direction: "inbound", from: "+12025550100" });
  });

  it("answers, starts and stops streams, and hangs up", async () => {
    const { simulator, server } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    const answered = await request(simulator, "POST", `/v1/calls/${call.id}/answer`, {});
    expect(answered).toEqual({ status: 200, body: { success: true } });
    expect(await call.answered).toBe(true);

    const started = await request(simulator, "POST", `/v1/calls/${call.id}/streams`, {
      ...stream,
      stream_url: server.streamUrl,
    });
    expect(started.status).toBe(200);
    expect(schemaErrors("CallStreamResponse", started.body)).toBeNull();
    expect((await server.message("start")).stream_id).toBe(started.body.stream_id);

    const stopped = await request(simulator, "DELETE", `/v1/calls/${call.id}/streams/${started.body.stream_id}`);
    expect(stopped).toEqual({ status: 200, body: { success: true } });
    await server.message("stop");
    expect(call.state).toBe("answered");

    const hungUp = await request(simulator, "DELETE", `/v1/calls/${call.id}`);
    expect(hungUp).toEqual({ status: 200, body: { success: true } });
    expect(await call.ended).toMatchObject({ endedBy: "rest", hungUpOverRest: true });
    expect((await request(simulator, "DELETE", `/v1/calls/${call.id}`)).status).toBe(404);
  });

  it("keeps a tag", async () => {
    const { simulator, server } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    expect((await request(simulator, "PATCH", `/v1/calls/${call.id}`, { tag: "spring" })).status).toBe(200);
    const one = await request(simulator, "GET", `/v1/calls/${call.id}`);
    expect(one.body.call).toMatchObject({ tag: "spring" });
  });

  it("collects digits and plays, and tells by webhook", async () => {
    const { simulator, server } = await open({ behaviour: { digitsAfterMs: 5, playDurationMs: 5 } });
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl, digits: "1234#9" });
    await answer(simulator, call.id, server.streamUrl);
    const collect = { max_digits: 5, timeout: 10, termination_character: "#", max_attempts: 3 };
    expect((await request(simulator, "POST", `/v1/calls/${call.id}/collect`, collect)).status).toBe(200);
    expect(
      (await request(simulator, "POST", `/v1/calls/${call.id}/play`, { audio_file: "https://example.com/a.wav" }))
        .status,
    ).toBe(200);
    const payloads = () =>
      server.events
        .filter(({ event_type }) => event_type === "on_call_event")
        .map(({ event_payload }) => event_payload);
    await expect.poll(payloads).toHaveLength(4);
    const playback_id = expect.any(String);
    expect(payloads()).toEqual(
      expect.arrayContaining([
        { type: "collect", payload: { digits: "", status: "started" } },
        { type: "collect", payload: { digits: "1234", status: "completed" } },
        { type: "audio", payload: { status: "started", playback_id } },
        { type: "audio", payload: { status: "completed", playback_id } },
      ]),
    );
    for (const event of server.events) expect(schemaErrors("Call", event)).toBeNull();
    expect((await request(simulator, "DELETE", `/v1/calls/${call.id}/audio`)).status).toBe(200);
  });

  it.each([
    ["answer", { stream_url: "https://example.com" }, "stream_url"],
    ["answer", { stream_url: "wss://example.com" }, "stream_type"],
    ["answer", { call_recording: "yes" }, "call_recording"],
    ["answer", { codec: "opus" }, "codec"],
    ["streams", {}, "stream_url"],
    ["streams", { ...stream, stream_type: "threeway" }, "stream_type"],
    ["streams", { ...stream, stream_channel: 1 }, "stream_channel"],
    ["play", {}, "audio_file"],
    ["collect", { max_digits: 21 }, "max_digits"],
    ["collect", { timeout: 0 }, "timeout"],
  ])("refuses %s with %j because of %s", async (action, body, field) => {
    const { simulator, server } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    const refused = await request(simulator, "POST", `/v1/calls/${call.id}/${action}`, body);
    expect(refused.status).toBe(400);
    expect(schemaErrors("CallControlValidationErrorResponse", refused.body)).toBeNull();
    expect(refused.body.errors).toHaveProperty(field);
    expect(call.state).toBe("ringing");
  });

  it.each(["{", "[]", "null", '"text"'])("refuses the body %s without an errors map", async (body) => {
    const { simulator, server } = await open();
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    const refused = await request(simulator, "POST", `/v1/calls/${call.id}/answer`, body);
    expect(refused).toEqual({ status: 400, body: { success: false, message: "Invalid JSON format" } });
  });

  it("refuses a body that is too large", async () => {
    const { simulator } = await open();
    expect((await request(simulator, "POST", `/v1/calls/${unknownId}/answer`, " ".repeat(70_000))).status).toBe(413);
  });

  it.each([
    ["2026-06", { success: false, error: true, message: "Unauthorized" }],
    ["2026-04", { success: false, message: "Access Denied" }],
  ] as const)("refuses a wrong key with 401, texts of %s", async (errorTexts, body) => {
    const { simulator } = await open({ apiKey: "secret", behaviour: { errorTexts } });
    for (const authorization of ["", "Bearer wrong", "secret"]) {
      const refused = await request(simulator, "GET", "/v1/calls", undefined, { authorization });
      expect(refused).toEqual({ status: 401, body });
      expect(schemaErrors("UnauthorizedErrorResponse", refused.body)).toBeNull();
    }
    const good = await request(simulator, "GET", "/v1/calls", undefined, { authorization: "Bearer secret" });
    expect(good.status).toBe(200);
  });

  it.each([
    ["2026-06", "GET", "", "Record not found"],
    ["2026-06", "POST", "/answer", "Record not found"],
    ["2026-04", "GET", "", "Call not found"],
    ["2026-04", "DELETE", "", `Call ${unknownId} not found`],
    ["2026-04", "POST", "/answer", `Call with ID=${unknownId} not found`],
    ["2026-04", "POST", "/play", "Call not found"],
  ] as const)("says 404 in the texts of %s to %s %s", async (errorTexts, method, path, message) => {
    const { simulator } = await open({ behaviour: { errorTexts } });
    const body = method === "POST" ? { audio_file: "x" } : undefined;
    const refused = await request(simulator, method, `/v1/calls/${unknownId}${path}`, body);
    expect(refused).toEqual({ status: 404, body: { success: false, message } });
    expect(schemaErrors("NotFoundErrorResponse", refused.body)).toBeNull();
  });

  it("says 404 to paths Wavix does not have", async () => {
    const { simulator } = await open();
    expect((await request(simulator, "POST", "/v2/calls", {})).status).toBe(404);
    expect(simulator.requests).toEqual([{ operation: null, method: "POST", path: "/v2/calls", body: {}, status: 404 }]);
  });
});

describe("requests", () => {
  it("are recorded and counted, the last 1000 of them", async () => {
    const { simulator } = await open();
    await request(simulator, "POST", `/v1/calls/${unknownId}/answer`, { stream_url: "wss://a" });
    expect(simulator.requests).toEqual([
      {
        operation: "answerCall",
        method: "POST",
        path: `/v1/calls/${unknownId}/answer`,
        body: { stream_url: "wss://a" },
        status: 404,
      },
    ]);
    for (let at = 0; at < 1000; at++) await request(simulator, "GET", "/v1/calls");
    expect(simulator.requests).toHaveLength(1000);
    expect(simulator.requests[0]!.operation).toBe("listCalls");
    expect(simulator.requestCount("answerCall")).toBe(1);
    expect(simulator.requestCount()).toBe(1001);
  });
});

describe("faults", () => {
  it("answer with a fixed status, as often as they were told to", async () => {
    const { simulator, server } = await open({
      faults: [{ operation: "answerCall", kind: "status", status: 503, times: 2 }],
    });
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    const statuses = [];
    for (let at = 0; at < 3; at++) statuses.push((await answer(simulator, call.id, server.streamUrl)).status);
    expect(statuses).toEqual([503, 503, 200]);
  });

  it("give a body and headers, apply to any operation, and can be taken back", async () => {
    const { simulator } = await open();
    simulator.injectFault({
      operation: "any",
      kind: "status",
      status: 429,
      body: { a: 1 },
      headers: { "retry-after": "7" },
      times: Number.POSITIVE_INFINITY,
    });
    const response = await fetch(`${simulator.apiUrl}/v1/calls`);
    expect([response.status, response.headers.get("retry-after"), await response.json()]).toEqual([429, "7", { a: 1 }]);
    expect((await request(simulator, "DELETE", `/v1/calls/${unknownId}`)).status).toBe(429);
    simulator.clearFaults();
    expect((await request(simulator, "GET", "/v1/calls")).status).toBe(200);
  });

  it("delay", async () => {
    const { simulator } = await open();
    simulator.injectFault({ operation: "listCalls", kind: "delay", delayMs: 50 });
    const startedMs = performance.now();
    expect((await request(simulator, "GET", "/v1/calls")).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThan(45);
  });

  it("reset the connection", async () => {
    const { simulator } = await open();
    simulator.injectFault({ operation: "listCalls", kind: "reset" });
    await expect(request(simulator, "GET", "/v1/calls")).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(simulator.requests[0]!.status).toBeNull();
  });

  it("never answer, having taken effect all the same", async () => {
    const { simulator, server } = await open();
    simulator.injectFault({ operation: "answerCall", kind: "no-answer", carriesOut: true });
    const call = simulator.placeCall({ webhookUrl: server.webhookUrl });
    const lost = fetch(`${simulator.apiUrl}/v1/calls/${call.id}/answer`, { method: "POST", body: "{}" }).catch(
      (error) => error,
    );
    expect(await call.answered).toBe(true);
    // Closing must not wait for the request that is never answered.
    await simulator.close();
    expect(await lost).toBeInstanceOf(TypeError);
  });

  it("are refused without an end or a beginning", async () => {
    const { simulator } = await open();
    const fault = { operation: "any", kind: "reset" } as const;
    expect(() => simulator.injectFault({ ...fault, times: 0 })).toThrow(RangeError);
    for (let at = 0; at < 100; at++) simulator.injectFault(fault);
    expect(() => simulator.injectFault(fault)).toThrow(RangeError);
  });
});

describe("opening", () => {
  it("fails with a code when the port is taken, and with a RangeError when it is none", async () => {
    const { simulator } = await open();
    await expect(createWavixSimulator({ apiPort: simulator.apiPort })).rejects.toMatchObject({
      code: "API_LISTEN_FAILED",
      cause: { code: "EADDRINUSE" },
    });
    await expect(createWavixSimulator({ apiPort: 70_000 })).rejects.toThrow(RangeError);
  });

  it("refuses calls it cannot place", async () => {
    const { simulator, server } = await open({ maxCalls: 1 });
    const { webhookUrl } = server;
    expect(() => simulator.placeCall({ webhookUrl: "ftp://example.com" })).toThrow(TypeError);
    expect(() => simulator.placeCall({ webhookUrl, callId: "abc-123" })).toThrow(TypeError);
    expect(() => simulator.placeCall({ webhookUrl, digits: "1a" })).toThrow(TypeError);
    for (const key of ["", "12", "A"]) {
      expect(() => simulator.placeCall({ webhookUrl, keys: [{ atMs: 0, key }] })).toThrow(TypeError);
    }
    const oneKey = { atMs: 0, key: "1" };
    expect(() => simulator.placeCall({ webhookUrl, keys: [{ ...oneKey, atMs: Number.NaN }] })).toThrow(RangeError);
    expect(() => simulator.placeCall({ webhookUrl, keys: Array(1_001).fill(oneKey) })).toThrow(RangeError);
    expect(() => simulator.placeCall({ webhookUrl, speakAfterMs: -1 })).toThrow(RangeError);
    expect(() => simulator.placeCall({ webhookUrl, hangUpAfterMs: Number.NaN })).toThrow(RangeError);
    expect(() => simulator.placeCall({ webhookUrl, signal: AbortSignal.abort() })).toThrow(/abort/);
    expect(() => simulator.placeCall({ webhookUrl, callerAudio: new Int16Array(24_000 * 601) })).toThrow(RangeError);
    const call = simulator.placeCall({ webhookUrl });
    expect(() => simulator.placeCall({ webhookUrl, callId: call.id })).toThrow(RangeError);
    expect(() => simulator.placeCall({ webhookUrl })).toThrow(expect.objectContaining({ code: "TOO_MANY_CALLS" }));
    await simulator.close();
    await simulator.close();
    expect(() => simulator.placeCall({ webhookUrl })).toThrow(expect.objectContaining({ code: "SIMULATOR_CLOSED" }));
  });
});
