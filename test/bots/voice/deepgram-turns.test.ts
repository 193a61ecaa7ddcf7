import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FluxTurns } from "../../../src/bots/voice/services/deepgram/flux-turns.ts";
import { KeptAudio } from "../../../src/bots/voice/services/deepgram/kept-audio.ts";
import { type ListenMessage, parseListenMessage } from "../../../src/bots/voice/services/deepgram/listen-message.ts";
import { NovaTurns } from "../../../src/bots/voice/services/deepgram/nova-turns.ts";
import type { TurnEvent, Turns } from "../../../src/bots/voice/services/deepgram/turns.ts";

const same = (positionMs: number) => positionMs;

/** A result of nova's whose words fill [fromMs, toMs]. */
function result(text: string, fromMs: number, toMs: number, flags: { final?: true; speechFinal?: true } = {}) {
  const texts = text === "" ? [] : text.split(" ");
  const stepMs = (toMs - fromMs) / texts.length;
  const message: ListenMessage = {
    kind: "results",
    transcript: text,
    words: texts.map((word, i) => ({ text: word, startMs: fromMs + i * stepMs, endMs: fromMs + (i + 1) * stepMs })),
    isFinal: flags.final === true || flags.speechFinal === true,
    speechFinal: flags.speechFinal === true,
    endMs: toMs,
    language: null,
  };
  return message;
}
const utteranceEnd = (lastWordEndMs: number): ListenMessage => ({ kind: "utterance-end", lastWordEndMs });

type FluxEvent = Extract<ListenMessage, { kind: "turn" }>["event"];
function turn(event: FluxEvent, transcript: string, endMs: number, words: ListenMessageWords = []): ListenMessage {
  return { kind: "turn", event, transcript, words, endMs, language: null };
}
type ListenMessageWords = Extract<ListenMessage, { kind: "turn" }>["words"];

const fed = (turns: Turns, ...messages: ListenMessage[]) => messages.flatMap((message) => turns.handle(message));
const brief = (event: TurnEvent) => ("text" in event ? `${event.type}: ${event.text}` : event.type);

describe("messages of Deepgram", () => {
  it("are read as published", () => {
    // developers.deepgram.com/docs/interim-results, /docs/speech-started, /docs/utterance-end, /docs/close-stream
    const published = {
      type: "Results",
      channel_index: [0, 1],
      duration: 1.039875,
      start: 0.0,
      is_final: false,
      speech_final: false,
      channel: {
        alternatives: [
          {
            transcript: "another big",
            confidence: 0.9600255,
            words: [
              { word: "another", start: 0.2971154, end: 0.7971154, confidence: 0.9588303 },
              { word: "big", start: 0.85173076, end: 1.039875, confidence: 0.9600255 },
            ],
          },
        ],
      },
    };
    expect(parseListenMessage(published)).toEqual({
      kind: "results",
      transcript: "another big",
      words: [
        { text: "another", startMs: 0.2971154 * 1000, endMs: 797.1154 },
        { text: "big", startMs: 851.73076, endMs: 1039.875 },
      ],
      isFinal: false,
      speechFinal: false,
      endMs: 1039.875,
      language: null,
    });
    expect(parseListenMessage({ type: "SpeechStarted", channel: [0, 1], timestamp: 9.54 })).toEqual({ kind: "other" });
    expect(parseListenMessage({ type: "UtteranceEnd", channel: [0, 1], last_word_end: 2.395 })).toEqual(
      utteranceEnd(2395),
    );
    const metadata = {
      type: "Metadata",
      transaction_key: "deprecated",
      request_id: "8c8ebea9-dbec-45fa-a035-e4632cb05b5f",
      sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      created: "2024-08-29T22:37:55.202Z",
      duration: 0.0,
      channels: 0,
    };
    expect(parseListenMessage(metadata)).toEqual({ kind: "other" });
    // developers.deepgram.com/reference/speech-to-text/listen-flux: word times came later, they may be absent.
    const turnInfo = {
      type: "TurnInfo",
      request_id: "8c8ebea9-dbec-45fa-a035-e4632cb05b5f",
      sequence_id: 11,
      event: "EagerEndOfTurn",
      turn_index: 0,
      audio_window_start: 0.0,
      audio_window_end: 2.24,
      transcript: "Hi I need to cancel",
      words: [{ word: "Hi", confidence: 0.98 }],
      end_of_turn_confidence: 0.52,
    };
    expect(parseListenMessage(turnInfo)).toEqual({
      kind: "turn",
      event: "EagerEndOfTurn",
      transcript: "Hi I need to cancel",
      words: [{ text: "Hi", startMs: null, endMs: null }],
      endMs: 2240,
      language: null,
    });
    expect(parseListenMessage({ ...turnInfo, event: "TurnWhatever" })).toEqual({ kind: "other" });
    const error = { type: "Error", sequence_id: 3, code: "INTERNAL_SERVER_ERROR", description: "" };
    expect(parseListenMessage(error)).toEqual({ kind: "error", code: "INTERNAL_SERVER_ERROR" });
  });

  it("are null when they are malformed, and never throw", () => {
    const results = { type: "Results", channel: { alternatives: [{ transcript: "a", words: [] }] } };
    expect(parseListenMessage(results)).toMatchObject({ kind: "results", endMs: null });
    for (const value of [
      null,
      "text",
      7,
      [],
      {},
      { type: 3 },
      { ...results, channel: null },
      { ...results, channel: { alternatives: [] } },
      { ...results, channel: { alternatives: [{ transcript: 5 }] } },
      { type: "UtteranceEnd" },
      { type: "UtteranceEnd", last_word_end: "2" },
      { type: "TurnInfo", event: "Update", transcript: "a" },
      { type: "TurnInfo", event: 1, transcript: "a", audio_window_end: 1 },
    ]) {
      expect(parseListenMessage(value), JSON.stringify(value)).toBeNull();
    }
    const types = fc.constantFrom("Results", "TurnInfo", "UtteranceEnd", "Error", "?");
    const names = ["event", "transcript", "channel", "words", "audio_window_end", "last_word_end"] as const;
    const fields = fc.record(Object.fromEntries(names.map((name) => [name, fc.jsonValue()])), { requiredKeys: [] });
    fc.assert(
      fc.property(types, fields, (type, rest) => {
        parseListenMessage({ type, ...rest });
      }),
    );
  });
});

describe("turns of nova", () => {
  it("begin with words, carry the whole turn, end at speech_final and not again at UtteranceEnd", () => {
    const turns = new NovaTurns(same);
    const events = fed(
      turns,
      result("", 0, 1000),
      result("where", 1200, 1500),
      result("where is", 1200, 2000),
      result("where is", 1200, 2000),
      result("Where is", 1200, 2000, { final: true }),
      result("my", 2100, 2300),
      result("my parcel?", 2100, 2700, { speechFinal: true }),
      utteranceEnd(2700),
      result("", 2700, 4000, { speechFinal: true }),
    );
    expect(events.map(brief)).toEqual([
      "started",
      "interim: where",
      "interim: where is",
      "final: Where is",
      "interim: Where is my",
      "final: my parcel?",
      "stopped",
    ]);
    expect(events.at(-1)).toEqual({ type: "stopped", speechEndedAtMs: 2700 });
    expect(events.at(-2)).toMatchObject({ finalized: true, speechMs: 800 + 600 });
    expect(turns.settledMs).toBe(4000);
  });

  it("end at UtteranceEnd where speech_final does not come; a stale one ends none", () => {
    const turns = new NovaTurns(same);
    expect(fed(turns, result("one", 0, 500, { final: true }), utteranceEnd(500)).map(brief)).toEqual([
      "started",
      "final: one",
      "stopped",
    ]);
    // Of the turn before; and while the caller goes on.
    expect(fed(turns, result("two", 2000, 2500, { final: true }), utteranceEnd(500)).map(brief)).not.toContain(
      "stopped",
    );
    expect(fed(turns, result("three", 2600, 2900), utteranceEnd(2500)).map(brief)).not.toContain("stopped");
    expect(fed(turns, result("three", 2600, 2900, { final: true }), utteranceEnd(2900)).map(brief)).toContain(
      "stopped",
    );
  });

  it("that are given up keep their words, which do not come again", () => {
    const turns = new NovaTurns(same);
    fed(turns, result("one two", 0, 900));
    expect(turns.end().map(brief)).toEqual(["final: one two", "stopped"]);
    expect(turns.end()).toEqual([]);
    expect(fed(turns, result("one two", 0, 900, { speechFinal: true }))).toEqual([]);
    expect(turns.settledMs).toBe(900);
  });

  it("have one start and one stop each, in whatever order the results come", () => {
    const any = fc.oneof(
      fc.record({
        text: fc.constantFrom("", "a", "b c"),
        fromMs: fc.integer({ min: 0, max: 5000 }),
        lengthMs: fc.integer({ min: 1, max: 900 }),
        flags: fc.constantFrom({}, { final: true as const }, { speechFinal: true as const }),
      }),
      fc.record({ lastWordEndMs: fc.integer({ min: -1, max: 6000 }) }),
      fc.constantFrom("end" as const, "lost" as const),
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 40, size: "max" }), (steps) => {
        const turns = new NovaTurns(same);
        let open = false;
        let finals = "";
        const check = (events: TurnEvent[]) => {
          for (const event of events) {
            expect(open).toBe(event.type !== "started");
            if (event.type === "started") open = true;
            if (event.type === "final") finals = `${finals} ${event.text}`.trim();
            if (event.type === "interim") expect(event.text.startsWith(finals)).toBe(true);
            if (event.type === "stopped") {
              open = false;
              finals = "";
            }
          }
          expect(turns.isOpen).toBe(open);
        };
        for (const step of steps) {
          if (step === "end") check(turns.end());
          else if (step === "lost") {
            check(turns.lost());
            turns.restarted();
          } else if ("lastWordEndMs" in step) check(turns.handle(utteranceEnd(step.lastWordEndMs)));
          else {
            const { text, fromMs, lengthMs, flags } = step;
            const events = turns.handle(result(text, fromMs, fromMs + lengthMs, flags));
            check(events);
            if ("speechFinal" in flags) expect(open).toBe(false);
          }
        }
        check(turns.end());
        expect(open).toBe(false);
      }),
    );
  });
});

describe("turns of Flux", () => {
  it("follow its events, the eager end among them", () => {
    const turns = new FluxTurns(same);
    const events = fed(
      turns,
      turn("Update", "", 2000),
      turn("StartOfTurn", "I", 2250),
      turn("Update", "I", 2500),
      turn("Update", "I think", 2750),
      turn("EagerEndOfTurn", "I think", 3000),
      turn("TurnResumed", "I think", 3100),
      turn("Update", "I think so", 3300),
      turn("EagerEndOfTurn", "I think so.", 3600),
      turn("EndOfTurn", "I think so.", 3800),
      turn("Update", "", 4000),
    );
    expect(events.map(brief)).toEqual([
      "started",
      "interim: I",
      "interim: I think",
      "eager: I think",
      "resumed",
      "interim: I think so",
      "interim: I think so.",
      "eager: I think so.",
      "final: I think so.",
      "stopped",
    ]);
    // No word times: not later than when the words first showed; those of the last change here.
    expect(events.at(-1)).toEqual({ type: "stopped", speechEndedAtMs: 3600 });
    expect(events.at(-2)).toMatchObject({ finalized: true, speechMs: 3600 - 2250 });
    // How much speech the first words were is not known: that is not none.
    expect(events[1]).toMatchObject({ text: "I", speechMs: null });
    expect(turns.settledMs).toBe(3800);
  });

  it("end where the last word does, which may have become longer since it first showed", () => {
    const turns = new FluxTurns(same);
    const words = (endMs: number) => [
      { text: "I", startMs: 2000, endMs: 2200 },
      { text: "know", startMs: 2300, endMs },
    ];
    const events = fed(
      turns,
      turn("StartOfTurn", "I know", 2500, words(2500)),
      turn("Update", "I know", 2750, words(2750)),
      turn("EndOfTurn", "I know", 3100, words(2850)),
    );
    expect(events.map(brief)).toEqual(["started", "interim: I know", "final: I know", "stopped"]);
    expect(events.at(-1)).toEqual({ type: "stopped", speechEndedAtMs: 2850 });
    expect(events.at(-2)).toMatchObject({ speechMs: 850 });
    // Of the next turn with the same words nothing is known before it begins.
    expect(fed(turns, turn("Update", "", 3500), turn("StartOfTurn", "I know", 4000)).at(-1)).toMatchObject({
      text: "I know",
      speechMs: null,
    });
  });

  it("make none of a turn without words", () => {
    const turns = new FluxTurns(same);
    expect(fed(turns, turn("StartOfTurn", "", 500), turn("EndOfTurn", "", 900))).toEqual([]);
  });

  it("go on over a lost connection, each word once", () => {
    const turns = new FluxTurns(same);
    const word = (text: string, startMs: number) => ({ text, startMs, endMs: startMs + 400 });
    const words = [word("one", 7000), word("two", 7500), word("three", 8000)];
    fed(turns, turn("Update", "", 6900), turn("Update", "one two three", 8500, words));
    expect(turns.settledMs).toBe(5900);
    fed(turns, turn("EagerEndOfTurn", "one two three", 8700, words));
    expect(turns.lost()).toEqual([{ type: "resumed" }]);
    turns.restarted(7950); // the first two are not sent again
    const events = fed(turns, turn("StartOfTurn", "three", 500), turn("Update", "three four", 1200));
    turns.lost();
    turns.restarted(1200); // nor are these: a transcript without times is taken to be spread over the turn
    events.push(...fed(turns, turn("StartOfTurn", "five", 500), turn("EndOfTurn", "five", 800)));
    expect(events.map(brief)).toEqual([
      "interim: one two three",
      "interim: one two three four",
      "interim: one two three four five",
      "final: one two three four five",
      "stopped",
    ]);
  });

  it("that are given up on a new connection settle nothing of it that was not heard", () => {
    const turns = new FluxTurns(same);
    fed(turns, turn("StartOfTurn", "one two", 9000));
    turns.lost();
    turns.restarted(9000);
    expect(turns.end().map(brief)).toEqual(["final: one two", "stopped"]);
    expect(turns.settledMs).toBe(0);
  });

  it("that are given up keep their words, which do not come again", () => {
    const turns = new FluxTurns(same);
    fed(turns, turn("StartOfTurn", "one two", 900));
    expect(turns.end().map(brief)).toEqual(["final: one two", "stopped"]);
    const events = fed(
      turns,
      turn("Update", "one two", 1500),
      turn("Update", "one two three", 2000),
      turn("EndOfTurn", "one two three", 2500),
      turn("StartOfTurn", "one two", 4000),
    );
    expect(events.map(brief)).toEqual([
      "started",
      "interim: three",
      "final: three",
      "stopped",
      "started",
      "interim: one two",
    ]);
  });
});

describe("kept audio", () => {
  const rate = 1000; // a sample is a millisecond
  const chunk = (from: number, length: number) => Int16Array.from({ length }, (_, i) => from + i);
  const samples = (bytes: Uint8Array) => [...new Int16Array(bytes.slice().buffer)];

  it("goes out once, in messages of the least length", () => {
    const kept = new KeptAudio(rate, 5000);
    kept.append(chunk(0, 30), 1);
    expect(kept.take(50)).toBeNull();
    kept.append(chunk(30, 30), 2);
    expect(samples(kept.take(50)!)).toEqual([...chunk(0, 60)]);
    expect(kept.take(1)).toBeNull();
    kept.append(new Int16Array(0), 3);
    expect(kept.take(1)).toBeNull();
  });

  it("knows when the audio at a position had arrived, on a second connection too", () => {
    const kept = new KeptAudio(rate, 5000);
    for (let i = 0; i < 5; i++) kept.append(chunk(20 * i, 20), 100 + 20 * i);
    while (kept.take(1) !== null);
    expect([0, 1, 20, 21, 100].map((ms) => kept.arrivedAt(ms))).toEqual([100, 100, 100, 120, 180]);
    expect(kept.arrivedAt(101)).toBeNull();
    kept.settle(45);
    expect(kept.restart()).toEqual({ replayFromMs: 40, resentMs: 60 });
    expect(samples(kept.take(1)!)).toEqual([...chunk(40, 20)]);
    expect(kept.arrivedAt(1)).toBe(140);
  });

  it("loses the oldest when there is too much, and counts what was never sent", () => {
    const kept = new KeptAudio(rate, 100);
    kept.append(chunk(0, 40), 0);
    kept.take(1);
    for (let i = 1; i < 5; i++) kept.append(chunk(40 * i, 40), i);
    expect(kept.droppedMs).toBe(80);
    expect(samples(kept.take(1)!)).toEqual([...chunk(120, 40)]);
  });

  it("is the caller's audio without holes where nothing was lost, wherever connections end", () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 80 }) }),
      fc.record({ settle: fc.integer({ min: 0, max: 200 }) }),
      fc.constant("restart" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const kept = new KeptAudio(rate, 100_000);
        let appended = 0;
        let base = 0;
        let heard: number[] = [];
        let settled = 0;
        for (const step of steps) {
          if (step === "restart") {
            const { replayFromMs } = kept.restart();
            base += replayFromMs;
            // What is not settled comes again, and no more than that, but for the rest of a chunk.
            expect(base).toBeLessThanOrEqual(settled);
            expect(settled - base).toBeLessThan(60);
            heard = [];
          } else if ("append" in step) {
            kept.append(chunk(appended, step.append), appended);
            appended += step.append;
          } else if ("settle" in step) {
            kept.settle(step.settle);
            settled = Math.max(settled, Math.min(base + heard.length, base + step.settle));
          } else {
            const bytes = kept.take(step.take);
            if (bytes !== null) heard.push(...samples(bytes));
          }
          expect(heard).toEqual([...chunk(base, heard.length)]);
        }
        expect(kept.droppedMs).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
