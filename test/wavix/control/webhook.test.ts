import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CallEvent,
  callEventKind,
  isCallId,
  isCallOver,
  overEventTypes,
  parseCallEvent,
  setupEventTypes,
  toE164,
} from "../../../src/wavix/control/index.ts";
import { exampleOf, operations, spec, validator } from "./spec.ts";

const id = "5dccb6b0-f35c-488c-867b-86fb012c4415";

function parsed(body: unknown): CallEvent {
  const result = parseCallEvent(body);
  if (!result.ok) throw new Error(result.reason);
  return result.event;
}

describe("bodies as Wavix documents them", () => {
  const schemas = spec.components.schemas;

  it("reads the examples of the published description", () => {
    const calls = operations.flatMap(({ replies }) => {
      const body = replies.get(200) as { call?: object; calls?: object[]; event_type?: string } | undefined;
      return [body?.call, ...(body?.calls ?? []), body?.event_type === "call_setup" ? body : undefined].filter(Boolean);
    });
    expect(calls).toHaveLength(3);
    for (const call of calls) {
      expect(parsed(call)).toMatchObject({
        callId: id,
        eventType: "call_setup",
        kind: "setup",
        direction: "inbound",
        from: "+18045961058",
        to: "+17653889567",
        eventTime: "2025-09-22T12:56:38.547Z",
      });
    }
  });

  it("knows every event type of the published description", () => {
    const kinds = Object.fromEntries(
      schemas.Call.properties.event_type.enum.map((type: string) => [type, callEventKind(type)]),
    );
    expect(kinds).toEqual({
      call_setup: "setup",
      ringing: "setup",
      early_media: "progress",
      answered: "answered",
      completed: "over",
      busy: "over",
      cancelled: "over",
      rejected: "over",
      on_call_event: "in-call",
    });
    expect([...setupEventTypes]).toEqual(["call_setup", "incoming_call", "ringing"]);
    expect([...overEventTypes]).toEqual(["completed", "busy", "cancelled", "rejected", "failed"]);
    expect(["over", "post-call", "setup", "unknown"].map((kind) => isCallOver({ kind } as CallEvent))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("reads whatever fits the schema of an on-call event", () => {
    const fits = validator("#/components/schemas/Call");
    const time = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") });
    const iso = time.map((date) => date.toISOString());
    const status = fc.constantFrom("started", "completed");
    const payload = fc.oneof(
      fc.record({ status, playback_id: fc.uuid() }).map((payload) => ({ type: "audio", payload })),
      fc
        .record({ status: fc.oneof(status, fc.constant("failed")), digits: fc.stringMatching(/^[0-9*#]{0,20}$/) })
        .map((payload) => ({ type: "collect", payload })),
    );
    const call = fc.record(
      {
        uuid: fc.uuid(),
        id: fc.uuid(),
        direction: fc.constantFrom("inbound", "outbound"),
        event_type: fc.constantFrom<string>(...schemas.Call.properties.event_type.enum),
        event_time: iso,
        event_payload: fc.option(payload),
        from: fc.string(),
        to: fc.stringMatching(/^\+?[1-9][0-9]{6,14}$/),
        call_started: iso,
        call_answered: fc.option(iso),
        call_completed: fc.option(iso),
        machine_detected: fc.boolean(),
        tag: fc.string({ maxLength: 40 }),
      },
      { noNullPrototype: true, requiredKeys: undefined as never },
    );
    fc.assert(
      fc.property(call, (body) => {
        expect(fits(body)).toBe(true);
        const event = parsed(body);
        expect(event).toMatchObject({
          callId: body.id,
          eventType: body.event_type,
          direction: body.direction,
          to: `+${body.to.replace("+", "")}`,
          eventTime: body.event_time,
          startedAt: body.call_started,
          machineDetected: body.machine_detected,
        });
        expect(event.answeredAt ?? null).toBe(body.call_answered);
        expect(event.completedAt ?? null).toBe(body.call_completed);
        expect(event.tag ?? "").toBe(body.tag);
        if (event.kind === "in-call" && body.event_payload) {
          const { playback_id: playbackId, ...rest } = body.event_payload.payload as { playback_id?: string };
          const own = playbackId === undefined ? rest : { ...rest, playbackId };
          expect(event.payload).toEqual({ type: body.event_payload.type, ...own });
        } else {
          expect(event).not.toHaveProperty("payload");
        }
      }),
    );
  });

  it("reads a post-call event", () => {
    const body = exampleOf(schemas.CallStatusWebhook);
    expect(validator("#/components/schemas/CallStatusWebhook")(body)).toBe(true);
    expect(parsed(body)).toEqual({
      callId: "99df5ffd-962a-410f-bcce-d08f1f7f328c",
      eventType: "post-call",
      kind: "post-call",
      direction: "outbound",
      from: "+14302287001",
      to: "+33170363950",
      disposition: "answered",
      durationSeconds: 6,
    });
    expect(parsed({ ...body, from: null, to: null, destination: null })).not.toHaveProperty("from");
  });

  it("does not take a finished transcription for a finished call", () => {
    const body = exampleOf(schemas.CDRTranscriptionCompletedWebhook);
    expect(body.status).toBe("completed");
    expect(parsed(body)).toEqual({ callId: body.uuid, eventType: "", kind: "unknown", direction: "unknown" });
  });

  it("reads the one in-call payload that has an example, and only on in-call events", () => {
    const event_payload = schemas.OnCallEventPayload.properties;
    const body = { id, event_payload: { type: event_payload.type.example, payload: event_payload.payload.example } };
    expect(parsed({ ...body, event_type: "on_call_event" }).payload).toEqual({
      type: "audio",
      status: "completed",
      playbackId: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    });
    expect(parsed({ ...body, event_type: "call_setup" })).not.toHaveProperty("payload");
  });
});

describe("older shapes", () => {
  it.each<[string, object]>([
    ["event, call_id", { event: "call_setup", call_id: id }],
    ["type, uuid", { type: "call_setup", uuid: id }],
    ["event_type, uuid", { event_type: "call_setup", uuid: id }],
    ["event_type, id null, uuid", { event_type: "call_setup", id: null, uuid: id }],
    ["event_type, id malformed, uuid", { event_type: "call_setup", id: "a/b", uuid: id }],
    ["event, call.id", { event: "call_setup", call: { id } }],
    ["data.event, data.call_id", { data: { event: "call_setup", call_id: id } }],
    ["data.event, data.uuid", { data: { event: "call_setup", uuid: id } }],
    ["an envelope with an id of its own", { id: "evt-1", call_id: id, event: "call_setup" }],
    ["event an object, type", { event: {}, type: "call_setup", uuid: id }],
    ["call and data no objects", { event: "call_setup", uuid: id, call: "x", data: [1] }],
  ])("%s", (_name, body) => {
    expect(parsed(body)).toEqual({ callId: id, eventType: "call_setup", kind: "setup", direction: "unknown" });
  });

  it("reads who calls out of an envelope", () => {
    const body = {
      event: "ringing",
      call: { id, from: "18045961058", direction: "inbound" },
      data: { to: "17653889567" },
    };
    expect(parsed(body)).toMatchObject({ from: "+18045961058", to: "+17653889567", direction: "inbound" });
  });

  it("takes incoming_call for an inbound call, unless it says otherwise", () => {
    expect(parsed({ uuid: id, event: "incoming_call" })).toMatchObject({ kind: "setup", direction: "inbound" });
    expect(parsed({ uuid: id, event: "incoming_call", direction: "outbound" }).direction).toBe("outbound");
  });

  it.each<[object, object | undefined]>([
    [
      { in_call_event: "collect_completed", in_call_event_data: { digits: "1234", reason: "collected" } },
      { type: "collect", status: "completed", digits: "1234" },
    ],
    [
      { in_call_event: "collect_completed", in_call_event_data: { digits: "", reason: "timeout" } },
      { type: "collect", status: "failed", digits: "" },
    ],
    [
      { in_call_event: "audio_completed", in_call_event_data: { playback_id: "p-1" } },
      { type: "audio", status: "completed", playbackId: "p-1" },
    ],
    [{ in_call_event: "collect_completed", in_call_event_data: null }, undefined],
    [{ in_call_event: "dance", in_call_event_data: { digits: "1" } }, undefined],
    [{ type: "collect", payload: null }, undefined],
    [
      { type: "collect", payload: { status: "started" } },
      { type: "collect", status: "started", digits: "" },
    ],
    [{ type: "collect", payload: { status: "completed", digits: "1\n2" } }, undefined],
    [{ type: "collect", payload: { status: "completed", digits: "1".repeat(41) } }, undefined],
    [{ type: "audio", payload: { status: "paused", playback_id: "p-1" } }, undefined],
    [{ type: "transfer", payload: { status: "started" } }, undefined],
  ])("in-call payload %j", (event_payload, expected) => {
    const event = parsed({ uuid: id, event_type: "in_call_event", event_payload });
    expect(event.kind).toBe("in-call");
    expect(event.payload).toEqual(expected);
  });
});

describe("what cannot be trusted", () => {
  it.each<[unknown, string]>([
    [undefined, "the body is not a JSON object"],
    [null, "the body is not a JSON object"],
    ["call_setup", "the body is not a JSON object"],
    [[{ id }], "the body is not a JSON object"],
    [{}, "the body names no call (id, uuid or call_id)"],
    [{ id: null, event_type: "ringing" }, "the body names no call (id, uuid or call_id)"],
    [{ id: 5 }, "the call id is malformed"],
    [{ id: "" }, "the call id is malformed"],
    [{ id: "../webhooks" }, "the call id is malformed"],
    [{ id: ".." }, "the call id is malformed"],
    [{ id: "a\u0000b" }, "the call id is malformed"],
    [{ id: "a b" }, "the call id is malformed"],
    [{ id: "é" }, "the call id is malformed"],
    [{ id: "x".repeat(129) }, "the call id is malformed"],
  ])("%j is refused", (body, reason) => {
    expect(parseCallEvent(body)).toEqual({ ok: false, reason });
  });

  it("tolerates events it does not know, and fields that are not what they should be", () => {
    expect(parsed({ id, event_type: "transfer" })).toMatchObject({ eventType: "transfer", kind: "unknown" });
    expect(
      parsed({
        id,
        event_type: "a\nb",
        direction: "sideways",
        from: 18045961058,
        to: "anonymous",
        event_time: "yesterday",
        tag: { a: 1 },
        call_started: `2025-09-22T12:56:38.${"5".repeat(40)}Z`,
        machine_detected: "no",
        duration: 5,
      }),
    ).toEqual({ callId: id, eventType: "", kind: "unknown", direction: "unknown" });
    expect(parsed({ id, event_type: "x".repeat(65) }).eventType).toBe("");
    expect(parsed({ id, tag: "x".repeat(300) }).tag).toHaveLength(256);
  });

  it("never throws, and what it gives is bounded", () => {
    const key = fc.constantFrom(
      ..."id uuid call_id call data event event_type type direction from to tag event_payload payload status digits".split(
        " ",
      ),
      ..."playback_id in_call_event in_call_event_data disposition duration event_time __proto__ toString".split(" "),
    );
    const word = fc.constantFrom(id, "on_call_event", "in_call_event", "collect", "audio", "completed", "+18045961058");
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, word, fc.jsonValue(), fc.dictionary(key, tie("node")), fc.anything()),
    }));
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(key, node), node), (body) => {
        const result = parseCallEvent(body);
        if (!result.ok) return;
        expect(isCallId(result.event.callId)).toBe(true);
        expect(JSON.stringify(result.event).length).toBeLessThan(2_500);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("toE164", () => {
  it.each([
    ["+18045961058", "+18045961058"],
    ["17653889567", "+17653889567"],
    ["0044 20 7946 0000", "+442079460000"],
    ["+1 (804) 596-1058", "+18045961058"],
    ["anonymous", undefined],
    ["", undefined],
    ["+", undefined],
    ["911", undefined],
    ["020 7946 0000", undefined],
    ["1234567890123456", undefined],
    ["++18045961058", undefined],
    ["sip:18045961058@example.com", undefined],
    [18045961058, undefined],
    [null, undefined],
  ])("%j → %j", (value, expected) => {
    expect(toE164(value)).toBe(expected);
  });

  it("leaves its own results as they are", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[+0]{0,2}[0-9 ().-]{5,20}$/)), (value) => {
        const number = toE164(value);
        if (number === undefined) return;
        expect(number).toMatch(/^\+[1-9]\d{6,14}$/);
        expect(toE164(number)).toBe(number);
      }),
    );
  });
});
