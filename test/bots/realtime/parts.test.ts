import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { History, heardText } from "../../../src/bots/realtime/history.ts";
import { DEFAULT_REALTIME_MODEL, readRealtimeSettings, realtimeBot } from "../../../src/bots/realtime/index.ts";
import { KeptAudio } from "../../../src/bots/realtime/kept-audio.ts";
import { Responses } from "../../../src/bots/realtime/responses.ts";
import { readServerEvent } from "../../../src/bots/realtime/server-event.ts";

describe("what was heard of a text", () => {
  it("is the text's beginning in whole words, more the more was heard, all of it at the end", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 1, max: 9_000 }),
        fc.array(fc.nat(100), { maxLength: 5 }),
        (all, ms, shares) => {
          const text = all.join(" ");
          let before = 0;
          for (const share of shares.sort((a, b) => a - b)) {
            const heard = heardText(text, (ms * share) / 100, ms)
              .split(" ")
              .filter(Boolean);
            expect(all.slice(0, heard.length)).toEqual(heard);
            expect(heard.length).toBeGreaterThanOrEqual(before);
            before = heard.length;
          }
          expect(heardText(text, ms, ms)).toBe(text);
          expect(heardText(text, 0, ms)).toBe("");
        },
      ),
    );
  });
});

describe("what was heard of a text that is written without spaces", () => {
  it("is cut at its characters", () => {
    expect(heardText("今日は晴れです。", 500, 1_000)).toBe("今日は晴");
    expect(heardText("今日は Sunday です。", 300, 1_000)).toBe("今日は");
  });
});

describe("the history", () => {
  it("keeps the order of the items, whenever their texts come, and no more than fits", () => {
    const history = new History();
    history.begin("a", "user");
    history.begin("b", "assistant");
    expect(history.isLastKnown).toBe(false);
    history.set("b", "Noon.");
    history.set("a", "What time is it?");
    history.set("nobody", "nothing");
    expect(history.items).toEqual([
      { id: "a", type: "message", role: "user", content: [{ type: "input_text", text: "What time is it?" }] },
      { id: "b", type: "message", role: "assistant", content: [{ type: "output_text", text: "Noon." }] },
    ]);
    for (let index = 0; index < 300; index++) {
      history.begin(`c${index}`, "user");
      history.set(`c${index}`, "x".repeat(1_000));
    }
    expect(history.items).toHaveLength(40);
  });
});

describe("the caller's audio while there is no session", () => {
  it("is the last of it, and what had to go is told", () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, (lengths) => {
        const kept = new KeptAudio(100);
        let droppedMs = 0;
        for (const length of lengths) droppedMs += kept.push(new Uint8Array(length));
        const left = kept.take().reduce((sum, { byteLength }) => sum + byteLength, 0);
        expect(left).toBeLessThanOrEqual(4_800);
        expect(left + droppedMs * 48).toBeCloseTo(lengths.reduce((sum, length) => sum + length, 0));
        expect(kept.take()).toEqual([]);
      }),
    );
  });
});

describe("messages of the service", () => {
  it("are read whatever they are", () => {
    const type = fc.constantFrom(
      "session.updated",
      "response.created",
      "response.done",
      "response.output_audio.delta",
      "response.output_item.added",
      "response.output_item.done",
      "input_audio_buffer.committed",
      "input_audio_buffer.speech_stopped",
      "error",
    );
    const fields = fc.dictionary(
      fc.constantFrom("response", "item", "error", "delta", "item_id", "response_id"),
      fc.json(),
    );
    fc.assert(
      fc.property(type, fields, fc.string(), (name, all, junk) => {
        const parsed = Object.fromEntries(Object.entries(all).map(([key, json]) => [key, JSON.parse(json)]));
        readServerEvent(JSON.stringify({ ...parsed, type: name }));
        readServerEvent(junk);
      }),
    );
    expect(readServerEvent("null")).toBe(null);
    expect(readServerEvent('{"type":"of the future"}')).toEqual({ type: "other" });
  });
});

describe("the responses of a session", () => {
  type Step = "ask" | "speak" | "turn" | "created" | "done" | "refuse";

  it("are asked for one at a time, and none that was interrupted is wanted", () => {
    const steps = fc.array(fc.constantFrom<Step>("ask", "speak", "turn", "created", "done", "refuse"), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (all) => {
        let asked: string | undefined;
        let due = false;
        let active: string | undefined;
        let isInterrupted = false;
        let isAskStale = false;
        let ids = 0;
        const responses = new Responses({
          timeoutMs: 60_000,
          isReady: () => true,
          onSilence: () => {},
          send: (event) => {
            if (event.type !== "response.create") return;
            isAskStale = false;
            // The service has one at a time.
            expect([active, asked]).toEqual([undefined, undefined]);
            asked = String((event.response as { metadata: { ask: string } }).metadata.ask);
          },
        });
        for (const step of all) {
          if (step === "ask") responses.ask({});
          else if (step === "speak") {
            due = false;
            isInterrupted = true;
            isAskStale = true;
            responses.interrupt();
            if (active !== undefined) expect(responses.isWanted(active)).toBe(false);
          } else if (step === "turn" && active === undefined && asked === undefined) {
            due = true;
            responses.expectTurn();
          } else if (step === "created" && active === undefined && (due || asked !== undefined)) {
            active = `resp_${++ids}`;
            const number = asked ?? "";
            // What was asked for before the caller spoke is no answer to it.
            isInterrupted = number !== "" && isAskStale;
            if (asked === undefined) due = false;
            asked = undefined;
            responses.created(active, number, false);
          } else if (step === "done" && active !== undefined) {
            expect(responses.isWanted(active)).toBe(!isInterrupted);
            const id = active;
            active = undefined;
            responses.done(id);
          } else if (step === "refuse" && asked !== undefined && active === undefined) {
            asked = undefined;
            responses.askAgain();
          }
        }
        expect(responses.isIdle).toBe(active === undefined && asked === undefined && !due);
        responses.stop();
      }),
    );
  });

  it("leave to the next session what was owed", () => {
    const options = { timeoutMs: 60_000, isReady: () => true, onSilence: () => {}, send: () => {} };
    const greeting = { instructions: "Greet." };
    const asked = new Responses(options);
    asked.ask(greeting);
    asked.ask({ instructions: "More." });
    expect(asked.takeOwed()).toEqual({ asks: [greeting, { instructions: "More." }], isTurn: false, isCut: false });
    const begun = new Responses(options);
    begun.ask(greeting);
    begun.created("resp_1", "1", false);
    expect(begun.takeOwed()).toEqual({ asks: [greeting], isTurn: false, isCut: false });
    const cut = new Responses(options);
    cut.expectTurn();
    expect(cut.takeOwed()).toMatchObject({ isTurn: true });
    cut.created("resp_1", "", false);
    expect(cut.takeOwed()).toMatchObject({ isTurn: true, isCut: false });
    cut.spoke();
    expect(cut.takeOwed()).toEqual({ asks: [], isTurn: false, isCut: true });
    cut.interrupt();
    expect(cut.takeOwed()).toEqual({ asks: [], isTurn: false, isCut: false });
  });

  it("cancels a response that begins while the caller speaks", () => {
    const sent: unknown[] = [];
    const responses = new Responses({
      timeoutMs: 60_000,
      isReady: () => true,
      onSilence: () => {},
      send: (event) => sent.push(event),
    });
    responses.ask({});
    responses.interrupt();
    responses.created("resp_1", "1", true);
    expect(sent.at(-1)).toEqual({ type: "response.cancel", response_id: "resp_1" });
    expect(responses.isWanted("resp_1")).toBe(false);
    responses.stop();
  });
});

describe("the settings of the speech-to-speech bot", () => {
  it("come from the environment", () => {
    const env = {
      OPENAI_API_KEY: "sk-1",
      OPENAI_REALTIME_VOICE: "cedar",
      OPENAI_REALTIME_MODEL: " ",
      OPENAI_REALTIME_SILENCE_MS: "300",
      VOICE_GREETING: "Hi.",
      VOICE_IDLE_SECONDS: "60",
    };
    expect(readRealtimeSettings(env)).toEqual({
      ok: true,
      showsTranscript: false,
      settings: {
        apiKey: "sk-1",
        voice: "cedar",
        greeting: "Hi.",
        idleMs: 60_000,
        turnDetection: { type: "server_vad", silenceDurationMs: 300 },
      },
    });
    expect(readRealtimeSettings({ OPENAI_REALTIME_TURN_DETECTION: "none", OPENAI_REALTIME_BASE_URL: "x" })).toEqual({
      ok: false,
      problems: [
        "OPENAI_API_KEY is missing: set it in .env (see .env.example)",
        expect.stringMatching(/^OPENAI_REALTIME_BASE_URL /),
        "OPENAI_REALTIME_TURN_DETECTION must be server_vad or semantic_vad",
      ],
    });
  });

  it("are looked at before the first call", () => {
    const apiKey = "sk-1";
    expect(DEFAULT_REALTIME_MODEL).toBe("gpt-realtime-2.1");
    expect(() => realtimeBot({ apiKey: "" })).toThrow("apiKey must be a word without spaces");
    expect(() => realtimeBot({ apiKey, baseUrl: "ftp://x" })).toThrow(TypeError);
    expect(() => realtimeBot({ apiKey, answerTimeoutMs: 0 })).toThrow(
      "answerTimeoutMs must be from 1 to 600000, got 0",
    );
    expect(() => realtimeBot({ apiKey, turnDetection: { type: "server_vad", threshold: 2 } })).toThrow(
      "turnDetection.threshold must be from 0 to 1, got 2",
    );
    const tool = { name: "a b", description: "x", parameters: { type: "object" }, run: () => {} };
    expect(() => realtimeBot({ apiKey, tools: [tool] })).toThrow(TypeError);
  });
});
