import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WavixApiError, WavixRestClient, type WavixRestClientOptions } from "../../../src/wavix/control/index.ts";
import { operations } from "./spec.ts";
import { openWavixStub, type Reply, reset, resetMidway, silence } from "./wavix-stub.ts";

const callId = "5dccb6b0-f35c-488c-867b-86fb012c4415";
const streamId = "123e4567-e89b-12d3-a456-426614174000";
const apiKey = "key-that-nobody-may-see";
const streamUrl = "wss://bot.example.com/ws/token-that-nobody-may-see";

let stub: Awaited<ReturnType<typeof openWavixStub>>;
beforeAll(async () => {
  stub = await openWavixStub();
});
afterEach(() => {
  const { violations } = stub;
  stub.reset();
  expect(violations).toEqual([]);
});
afterAll(() => stub.close());

const makeClient = (options: WavixRestClientOptions = {}) =>
  new WavixRestClient({ apiKey, baseUrl: stub.baseUrl, timeoutMs: 2_000, retryDelayMs: 1, ...options });

const failure = (promise: Promise<unknown>): Promise<WavixApiError> =>
  promise.then(
    (value) => Promise.reject(new Error(`resolved with ${inspect(value)}`)),
    (error: unknown) => (error instanceof WavixApiError ? error : Promise.reject(error)),
  );

/** Every method, with all its options, and the operation of Wavix's description that it is. */
const methods: Record<string, { operationId: string; run: (client: WavixRestClient) => Promise<unknown> }> = {
  answer: {
    operationId: "call_control_answer",
    run: (client) =>
      client.answer(callId, {
        streamUrl,
        streamType: "twoway",
        streamChannel: "inbound",
        callRecording: true,
        callTranscription: false,
      }),
  },
  startStream: {
    operationId: "call_control_streams_create",
    run: (client) => client.startStream(callId, { streamUrl, streamType: "oneway", streamChannel: "both" }),
  },
  stopStream: {
    operationId: "call_control_streams_delete",
    run: (client) => client.stopStream(callId, streamId),
  },
  hangUp: { operationId: "call_control_delete", run: (client) => client.hangUp(callId) },
  getCall: { operationId: "call_control_get", run: (client) => client.getCall(callId) },
  listCalls: { operationId: "call_control_list", run: (client) => client.listCalls() },
  collect: {
    operationId: "call_control_collect",
    run: (client) =>
      client.collect(callId, {
        maxDigits: 5,
        timeoutSeconds: 10,
        terminationCharacter: "#",
        maxAttempts: 3,
        prompt: {
          play: "https://examples.com/prompt.wav",
          say: { text: "Please enter your PIN", voice: "Ivy", language: "ru" },
        },
      }),
  },
  play: {
    operationId: "call_control_audio_play",
    run: (client) => client.play(callId, { audioFile: "https://examples.com/audio.wav" }),
  },
  stopPlaying: { operationId: "call_control_audio_stop", run: (client) => client.stopPlaying(callId) },
};
const posts = ["answer", "startStream", "collect", "play"];
const others = ["stopStream", "hangUp", "getCall", "listCalls", "stopPlaying"];

const exampleCall = {
  callId,
  eventType: "call_setup",
  kind: "setup",
  direction: "inbound",
  from: "+18045961058",
  to: "+17653889567",
  eventTime: "2025-09-22T12:56:38.547Z",
  tag: "marketing-campaign",
  startedAt: "2025-09-22T12:56:38.547Z",
  answeredAt: "2023-06-15T10:30:00Z",
  completedAt: "2023-06-15T10:30:00Z",
  machineDetected: false,
};

describe("requests and answers as Wavix documents them", () => {
  const results: Record<string, unknown> = {
    startStream: { streamId },
    hangUp: "ended",
    getCall: exampleCall,
    listCalls: [exampleCall],
  };

  it.each(Object.entries(methods))("%s", async (name, { operationId, run }) => {
    expect(await run(makeClient())).toEqual(results[name]);
    expect(stub.seen.map((request) => request.operationId)).toEqual([operationId]);
    expect(stub.seen[0]?.headers.authorization).toBe(`Bearer ${apiKey}`);
    expect(stub.violations).toEqual([]);
  });

  it("writes the documented field names and leaves out what was not given", async () => {
    const client = makeClient();
    await methods.answer?.run(client);
    await client.answer(callId);
    await client.answer(callId, { streamUrl, streamType: "twoway" });
    await methods.collect?.run(client);
    await client.collect(callId);
    await client.collect(callId, { prompt: { say: { text: "PIN", voice: "Hans" } } });
    expect(stub.seen.map((request) => request.body)).toEqual([
      {
        call_recording: true,
        call_transcription: false,
        stream_url: streamUrl,
        stream_type: "twoway",
        stream_channel: "inbound",
      },
      {},
      { stream_url: streamUrl, stream_type: "twoway", stream_channel: "inbound" },
      {
        max_digits: 5,
        timeout: 10,
        termination_character: "#",
        max_attempts: 3,
        prompt: {
          play: "https://examples.com/prompt.wav",
          say: { text: "Please enter your PIN", voice: "Ivy", language: "ru" },
        },
      },
      {},
      { prompt: { say: { text: "PIN", voice: "Hans" } } },
    ]);
  });

  it("sends no authorization without a key, and keeps a path in the base URL", async () => {
    await new WavixRestClient({ baseUrl: `${stub.baseUrl}/` }).listCalls();
    expect(stub.seen[0]?.url).toBe("/v1/calls");
    expect(stub.seen[0]?.headers.authorization).toBeUndefined();
    const urls: string[] = [];
    const fetchStub = (async (url: string) => {
      urls.push(url);
      return Response.json({ success: true });
    }) as typeof fetch;
    await makeClient({ baseUrl: "https://proxy.example.com/wavix/", fetch: fetchStub }).hangUp("a?b#c%2e%2e&d:e");
    await new WavixRestClient({ fetch: fetchStub }).hangUp(callId);
    expect(urls).toEqual([
      "https://proxy.example.com/wavix/v1/calls/a%3Fb%23c%252e%252e%26d%3Ae",
      `https://api.wavix.com/v1/calls/${callId}`,
    ]);
  });

  it("reads a list of 2,000 calls", async () => {
    const call = operations.find(({ operationId }) => operationId === "call_control_get")?.replies.get(200).call;
    stub.reply({ status: 200, body: { success: true, calls: Array.from({ length: 2_000 }, () => call) } });
    expect(await makeClient().listCalls()).toHaveLength(2_000);
  });
});

describe("statuses", () => {
  const codes: Record<number, string> = { 400: "validation", 401: "unauthorized", 404: "not-found" };
  const documented = Object.entries(methods).flatMap(([name, method]) => {
    const operation = operations.find(({ operationId }) => operationId === method.operationId);
    const failures = [...(operation?.replies ?? [])].filter(([status]) => status !== 200);
    return failures.map(([status, body]) => ({ name, status, body, run: method.run }));
  });

  it("are documented for every method", () => {
    expect(new Set(documented.map(({ name }) => name))).toEqual(new Set(Object.keys(methods)));
    expect(documented).toHaveLength(19);
  });

  it.each(documented)("$name: $status", async ({ name, status, body, run }) => {
    stub.reply({ status, body });
    if (name === "hangUp" && status === 404) {
      expect(await run(makeClient())).toBe("already-over");
    } else {
      const error = await failure(run(makeClient()));
      expect(error).toMatchObject({ code: codes[status], status, operation: name, retryAfterMs: undefined });
      expect(error.message).toMatch(/^\w+: .{10,160}\.$/);
      if (status === 400) {
        expect(error.fieldErrors).toEqual({ to: "required" });
        expect(error.message).toBe(`${name}: Wavix answered 400. Correct to.`);
      }
    }
    expect(stub.seen).toHaveLength(1);
  });

  it.each([
    [302, "bad-response"],
    [403, "forbidden"],
    [409, "bad-response"],
    [422, "validation"],
    [429, "rate-limited"],
    [500, "server-error"],
    [502, "server-error"],
    [503, "server-error"],
    [599, "server-error"],
  ])("not documented: %i is %s, whatever the body", async (status, code) => {
    for (const body of ["", "<html>", "null", "[]", '{"errors":[1]}', '{"errors":"x"}', "x".repeat(300_000)]) {
      const reply = { status, body, headers: { location: "/elsewhere" } };
      stub.reply(reply, reply, reply);
      const error = await failure(makeClient().getCall(callId));
      expect(error).toMatchObject({ code, status });
      expect(error.message.length).toBeLessThan(160);
    }
  });

  it("count even when the body breaks off", async () => {
    stub.reply((response) => {
      response.writeHead(401, { "content-length": "1000" });
      response.write("{", () => response.socket?.resetAndDestroy());
    });
    expect(await failure(makeClient().getCall(callId))).toMatchObject({ code: "unauthorized", status: 401 });
  });

  it("names the scope a key needs", async () => {
    stub.reply({ status: 401 }, { status: 401 });
    expect((await failure(makeClient().answer(callId))).message).toContain("calls:write");
    expect((await failure(makeClient().getCall(callId))).message).toContain("calls:read");
  });

  it("keeps field errors small and clean", async () => {
    const errors = {
      stream_url: `bad: ${streamUrl}`,
      to: "+1 (804) 596-1058 is no number,\nnor is 17653889567",
      count: 5,
      "x\ny": "no field name",
      long: "y".repeat(1_000),
      ...Object.fromEntries(Array.from({ length: 26 }, (_, i) => [`f_${String.fromCharCode(97 + i)}`, "required"])),
    };
    stub.reply({ status: 400, body: { success: false, message: "m", errors } });
    const { fieldErrors = {} } = await failure(makeClient().answer(callId));
    expect(fieldErrors).toMatchObject({ stream_url: "bad: <url>", to: "<number> is no number, nor is <number>" });
    expect(fieldErrors.long).toHaveLength(200);
    expect(Object.keys(fieldErrors)).toHaveLength(20);
  });
});

describe("answers that are none", () => {
  it.each([
    ["malformed JSON", '{"success":tru', "not JSON"],
    ["nothing", "", "not JSON"],
    ["null", "null", "look at the whole"],
    ["an array", "[]", "look at the whole"],
    ["no success", "{}", "look at success"],
    ["success: false", '{"success":false}', "look at success"],
    ["more than 256 KiB", `{"success":true,"filler":"${"x".repeat(256 * 1024)}"}`, "longer than 262144 bytes"],
  ])("%s", async (_name, body, reason) => {
    for (const run of [methods.answer?.run, methods.getCall?.run, methods.hangUp?.run]) {
      stub.reset();
      stub.reply({ status: 200, body });
      const error = await failure(run?.(makeClient()) ?? Promise.resolve());
      expect(error).toMatchObject({ code: "bad-response" });
      expect(error.message).toContain(reason);
      expect(stub.seen).toHaveLength(1);
    }
  });

  it("a call, a list or a stream without what it is for", async () => {
    stub.reply(
      { status: 200, body: { success: true, call: { event_type: "answered" } } },
      { status: 200, body: { success: true, calls: [{ id: callId }, { id: "+18045961058/" }] } },
      { status: 200, body: { success: true, stream_id: "a/b" } },
    );
    const errors = [
      await failure(makeClient().getCall(callId)),
      await failure(makeClient().listCalls()),
      await failure(makeClient().startStream(callId, { streamUrl, streamType: "twoway" })),
    ];
    expect(errors.map((error) => error.message)).toEqual([
      "getCall: the answer is not as Wavix documents it: look at call.",
      "listCalls: the answer is not as Wavix documents it: look at calls.1.",
      "startStream: the answer is not as Wavix documents it: look at stream_id.",
    ]);
  });

  it("an endless body is not read to its end", async () => {
    let closed = () => {};
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    stub.reply((response) => {
      response.on("close", closed);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.writeHead(200).on("drain", more);
      more();
    });
    expect(await failure(makeClient().getCall(callId))).toMatchObject({ code: "bad-response" });
    await isClosed;
  });
});

describe("repeating", () => {
  const refused = (code: string) => Object.assign(new Error("no connection"), { code, syscall: "connect" });
  const status = (code: number): Reply => ({ status: code, body: { success: false } });

  it.each<[string, number, number, Reply, string]>([
    // failure, tries of a POST, tries of a GET or DELETE, Wavix's reply, code
    ["429", 3, 3, status(429), "rate-limited"],
    ["503", 3, 3, status(503), "server-error"],
    ["502", 1, 3, status(502), "server-error"],
    ["504", 1, 3, status(504), "server-error"],
    ["500", 1, 1, status(500), "server-error"],
    ["400", 1, 1, status(400), "validation"],
    ["401", 1, 1, status(401), "unauthorized"],
    ["403", 1, 1, status(403), "forbidden"],
    ["302", 1, 1, status(302), "bad-response"],
    ["malformed JSON", 1, 1, { status: 200, body: "{" }, "bad-response"],
    ["a reset connection", 1, 3, reset, "network"],
    ["a connection reset within the answer", 1, 3, resetMidway, "network"],
    ["no answer", 1, 3, silence, "timeout"],
  ])("after %s: a POST %i times, else %i times", async (_name, postTries, otherTries, reply, code) => {
    for (const name of [...posts, ...others]) {
      stub.reset();
      stub.reply(reply, reply, reply, reply);
      let tries = 0;
      const counting: typeof fetch = (input, init) => {
        tries++;
        return fetch(input, init);
      };
      const timing = reply === silence ? { timeoutMs: 60, deadlineMs: 5_000 } : {};
      const error = await failure(methods[name]!.run(makeClient({ ...timing, fetch: counting })));
      expect([name, error.code]).toEqual([name, code]);
      expect([name, tries]).toEqual([name, posts.includes(name) ? postTries : otherTries]);
      if (reply !== silence) expect(stub.seen).toHaveLength(tries);
    }
  });

  it.each<[string, number, number, () => Error]>([
    ["ECONNREFUSED", 3, 3, () => refused("ECONNREFUSED")],
    ["ENOTFOUND", 3, 3, () => Object.assign(new Error(), { code: "ENOTFOUND", syscall: "getaddrinfo" })],
    ["EAI_AGAIN", 3, 3, () => Object.assign(new Error(), { code: "EAI_AGAIN" })],
    ["UND_ERR_CONNECT_TIMEOUT", 3, 3, () => Object.assign(new Error(), { code: "UND_ERR_CONNECT_TIMEOUT" })],
    ["connect ETIMEDOUT", 3, 3, () => refused("ETIMEDOUT")],
    ["two addresses refused", 3, 3, () => new AggregateError([refused("ECONNREFUSED"), refused("ENETUNREACH")])],
    ["one of two reset", 1, 3, () => new AggregateError([refused("ECONNREFUSED"), new Error("reset")])],
    ["read ETIMEDOUT", 1, 3, () => Object.assign(new Error(), { code: "ETIMEDOUT", syscall: "read" })],
    ["UND_ERR_SOCKET", 1, 3, () => Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" })],
    ["nothing known", 1, 3, () => new Error("?")],
  ])("after a failed fetch, %s: a POST %i times, else %i times", async (_name, postTries, otherTries, cause) => {
    for (const name of [...posts, ...others]) {
      let tries = 0;
      const fetchStub = (async () => {
        tries++;
        throw new TypeError("fetch failed", { cause: cause() });
      }) as typeof fetch;
      const error = await failure(methods[name]!.run(makeClient({ fetch: fetchStub })));
      expect(error).toMatchObject({ code: "network", status: undefined });
      expect([name, tries]).toEqual([name, posts.includes(name) ? postTries : otherTries]);
    }
  });

  it("says why nothing was reached", async () => {
    const gone = await openWavixStub();
    await gone.close();
    const error = await failure(makeClient({ baseUrl: gone.baseUrl }).answer(callId));
    expect(error.message).toBe("answer: Wavix cannot be reached (ECONNREFUSED): check WAVIX_API_BASE and the network.");
  });

  it("succeeds when a later try does", async () => {
    stub.reply(status(503), status(429));
    await methods.answer?.run(makeClient());
    expect(stub.seen).toHaveLength(3);
    stub.reset();
    stub.reply(reset, status(502));
    expect(await makeClient().getCall(callId)).toEqual(exampleCall);
    expect(stub.seen).toHaveLength(3);
  });

  it("takes a hang-up whose answer was lost for done", async () => {
    stub.reply(reset, { status: 404 });
    expect(await makeClient().hangUp(callId)).toBe("already-over");
  });

  it("waits as long as Wavix asks", async () => {
    stub.reply({ status: 429, headers: { "retry-after": "1" } });
    await makeClient().answer(callId);
    const [first, second] = stub.seen;
    expect(second!.atMs - first!.atMs).toBeGreaterThan(950);
  });

  it("waits until the date Wavix gives", async () => {
    const in2s = new Date(Date.now() + 2_000).toUTCString();
    stub.reply({ status: 503, headers: { "retry-after": in2s } });
    await makeClient().listCalls();
    const [first, second] = stub.seen;
    expect(second!.atMs - first!.atMs).toBeGreaterThan(500); // the date has whole seconds
  });

  it("does not wait for longer than its bound", async () => {
    stub.reply({ status: 429, headers: { "retry-after": "6" } });
    const error = await failure(makeClient({ deadlineMs: 15_000 }).listCalls());
    expect(error).toMatchObject({ code: "rate-limited", retryAfterMs: 6_000 });
    expect(stub.seen).toHaveLength(1);
  });

  it("ignores a Retry-After it cannot read", async () => {
    for (const value of ["soon", "-1", "1e3", "2030-01-01", "9".repeat(400)]) {
      stub.reset();
      stub.reply({ status: 500, headers: { "retry-after": value } });
      expect((await failure(makeClient().listCalls())).retryAfterMs).toBeUndefined();
    }
  });

  it("backs off, with chance", async () => {
    stub.reply(status(503), status(503));
    await makeClient({ retryDelayMs: 40 }).listCalls();
    const [first, second, third] = stub.seen.map((request) => request.atMs);
    expect(second! - first!).toBeGreaterThan(38);
    expect(third! - second!).toBeGreaterThan(78);
  });
});

describe("time", () => {
  it("has a limit of its own for answering", async () => {
    stub.reply(silence);
    const error = await failure(makeClient({ answerTimeoutMs: 150 }).answer(callId));
    expect(error).toMatchObject({ code: "timeout", message: "answer: no answer within 150 ms: is Wavix up?" });
    expect(stub.seen).toHaveLength(1);
  });

  it("covers an answer that stops half-way", async () => {
    stub.reply((response) => response.writeHead(200).write('{"success":'));
    expect(await failure(makeClient({ timeoutMs: 40 }).answer(callId))).toMatchObject({ code: "timeout" });
  });

  it("ends an operation at its deadline, in a try", async () => {
    stub.reply({ status: 503 }, silence);
    const error = await failure(makeClient({ deadlineMs: 400 }).listCalls());
    expect(error).toMatchObject({ code: "server-error", status: 503 }); // the last that was heard
    expect(stub.seen).toHaveLength(2);
  });

  it("ends an operation at its deadline, in the first try", async () => {
    stub.reply(silence);
    const error = await failure(makeClient({ deadlineMs: 50 }).listCalls());
    expect(error).toMatchObject({ code: "timeout", message: "listCalls: no answer within 50 ms: is Wavix up?" });
  });

  it("ends an operation at its deadline, in a wait", async () => {
    stub.reply({ status: 503, headers: { "retry-after": "3" } });
    const startMs = performance.now();
    expect(await failure(makeClient({ deadlineMs: 300 }).listCalls())).toMatchObject({ code: "server-error" });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(stub.seen).toHaveLength(1);
  });
});

describe("giving up", () => {
  it.each(Object.keys(methods))("%s takes a signal", async (name) => {
    const signal = AbortSignal.abort(new Error("drain"));
    const client = makeClient();
    const calls: Record<string, () => Promise<unknown>> = {
      answer: () => client.answer(callId, {}, { signal }),
      startStream: () => client.startStream(callId, { streamUrl, streamType: "twoway" }, { signal }),
      stopStream: () => client.stopStream(callId, streamId, { signal }),
      hangUp: () => client.hangUp(callId, { signal }),
      getCall: () => client.getCall(callId, { signal }),
      listCalls: () => client.listCalls({ signal }),
      collect: () => client.collect(callId, {}, { signal }),
      play: () => client.play(callId, { audioFile: "https://examples.com/audio.wav" }, { signal }),
      stopPlaying: () => client.stopPlaying(callId, { signal }),
    };
    expect(await failure(calls[name]!())).toMatchObject({ code: "aborted", operation: name });
    expect(stub.seen).toHaveLength(0);
  });

  it("stops a request under way", async () => {
    const controller = new AbortController();
    stub.reply(silence, silence);
    const request = stub.nextRequest();
    const result = failure(makeClient().getCall(callId, { signal: controller.signal }));
    await request;
    controller.abort();
    expect(await result).toMatchObject({ code: "aborted", operation: "getCall" });
    expect(stub.seen).toHaveLength(1);
  });

  it.each([undefined, "5"])("stops waiting for the next try (Retry-After: %s)", async (retryAfter) => {
    const controller = new AbortController();
    stub.reply((response) => {
      response.writeHead(503, retryAfter === undefined ? {} : { "retry-after": retryAfter });
      response.end(() => setTimeout(() => controller.abort("no longer wanted"), 30));
    });
    const client = makeClient({ retryDelayMs: 5_000, deadlineMs: 15_000 });
    const startMs = performance.now();
    expect(await failure(client.listCalls({ signal: controller.signal }))).toMatchObject({ code: "aborted" });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(stub.seen).toHaveLength(1);
  });

  it("leaves no timer behind", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const client = makeClient({ timeoutMs: 60_000, fetch: async () => Response.json({ success: true }) });
    const before = timers();
    await Promise.all(Array.from({ length: 50 }, () => client.hangUp(callId)));
    expect(timers()).toBeLessThan(before + 25); // the test runner has timers of its own
  });

  it("leaves no listener on a signal that lives on", async () => {
    const { signal } = new AbortController();
    stub.reply({ status: 503 }, { status: 429, headers: { "retry-after": "0" } });
    await makeClient().listCalls({ signal });
    stub.reply({ status: 404 });
    await makeClient().hangUp(callId, { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("what nobody may see", () => {
  it("is in no error, however deep one looks", async () => {
    const leak = { success: false, message: "+18045961058", errors: { stream_url: streamUrl, to: "18045961058" } };
    const replies: Reply[] = [
      ...[302, 400, 401, 403, 404, 409, 422, 429, 500, 503].map((status) => ({ status, body: leak })),
      { status: 200, body: "+18045961058" },
      { status: 200, body: leak },
      silence,
      reset,
    ];
    for (const reply of replies) {
      for (const name of ["answer", "startStream", "getCall"]) {
        stub.reset();
        stub.reply(reply, reply, reply);
        const error = await failure(methods[name]!.run(makeClient({ timeoutMs: 40 })));
        const text = inspect(error, { depth: Infinity, showHidden: true, getters: true }) + JSON.stringify(error);
        expect(text).not.toMatch(/nobody-may-see|8045961058|bot\.example/);
      }
    }
  });

  it("is not shown by the client itself", () => {
    expect(inspect(makeClient(), { depth: Infinity, showHidden: true })).not.toContain("nobody-may-see");
  });
});

describe("mistakes of the caller", () => {
  it.each<[string, (client: WavixRestClient) => Promise<unknown>]>([
    ["callId", (client) => client.hangUp("")],
    ["callId", (client) => client.hangUp("..")],
    ["callId", (client) => client.hangUp("webhooks")],
    ["callId", (client) => client.answer("a/b")],
    ["callId", (client) => client.getCall("x".repeat(129))],
    ["callId", (client) => client.getCall(undefined as unknown as string)],
    ["streamId", (client) => client.stopStream(callId, "a b")],
    ["streamUrl", (client) => client.answer(callId, { streamUrl: "https://nobody", streamType: "twoway" })],
    ["streamUrl", (client) => client.answer(callId, { streamUrl: "nobody", streamType: "twoway" })],
    ["streamUrl", (client) => client.answer(callId, { streamType: "twoway" } as never)],
    ["streamType", (client) => client.answer(callId, { streamUrl, streamType: "both" } as never)],
    [
      "streamChannel",
      (client) => client.startStream(callId, { streamUrl, streamType: "oneway", streamChannel: "x" } as never),
    ],
    ["audioFile", (client) => client.play(callId, { audioFile: "nobody.wav" })],
    ["prompt.play", (client) => client.collect(callId, { prompt: { play: "nobody.wav" } })],
    ["terminationCharacter", (client) => client.collect(callId, { terminationCharacter: "##" })],
  ])("%s", async (name, run) => {
    const error = await run(makeClient()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(new RegExp(`^${name} (must be|is needed) `));
    expect((error as Error).message).not.toContain("nobody");
    expect(stub.seen).toHaveLength(0);
  });

  it.each([
    ["maxDigits", { maxDigits: 0 }],
    ["maxDigits", { maxDigits: 21 }],
    ["timeoutSeconds", { timeoutSeconds: 61 }],
    ["timeoutSeconds", { timeoutSeconds: 1.5 }],
    ["maxAttempts", { maxAttempts: Number.NaN }],
  ])("%s out of bounds", async (name, options) => {
    const error = await makeClient()
      .collect(callId, options)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toContain(name);
    expect((error as Error).message).toContain(`got ${Object.values(options)[0]}`);
  });

  it.each<[string, WavixRestClientOptions]>([
    ["baseUrl", { baseUrl: "ftp://api.example.com" }],
    ["baseUrl", { baseUrl: "api.example.com" }],
    ["baseUrl", { baseUrl: "https://user:nobody@api.example.com" }],
    ["baseUrl", { baseUrl: "https://api.example.com?appid=nobody" }],
    ["apiKey", { apiKey: "" }],
    ["apiKey", { apiKey: "nobody\n" }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["answerTimeoutMs", { answerTimeoutMs: 600_001 }],
    ["deadlineMs", { deadlineMs: -1 }],
    ["retryDelayMs", { retryDelayMs: Number.POSITIVE_INFINITY }],
    ["maxRetryAfterMs", { maxRetryAfterMs: -1 }],
  ])("the setting %s", (name, options) => {
    expect(() => new WavixRestClient(options)).toThrow(new RegExp(`^${name} must be (?!.*nobody)`));
  });
});
