import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTrace, TraceError, type TraceStep } from "../../../src/wavix/trace/index.ts";

const header = {
  ...{ format: "pipecat-wavix-trace", version: 1, package: "0.1.0", startedAt: "2026-01-15T10:30:00.000Z" },
  ...{ callId: "call-1", audio: false, midCall: false },
};
const steps: TraceStep[] = [
  { ms: 0, dir: "in", kind: "webhook", event: "call_setup" },
  { ms: 1.5, dir: "out", kind: "rest", operation: "answer", outcome: "ok", tookMs: 1.2 },
  { ms: 2, dir: "in", kind: "open", socket: 1 },
  { ms: 2, dir: "in", kind: "text", socket: 1, text: "not JSON \u0000 \ud83d" },
  {
    ms: 3,
    dir: "in",
    kind: "text",
    socket: 1,
    text: '""',
    cuts: [
      { at: 1, length: 4, levelDb: -3.5 },
      { at: 1, length: 4 },
    ],
  },
  { ms: 3, dir: "in", kind: "binary", socket: 1, byteLength: 3, base64: "AAAA" },
  { ms: 4, dir: "out", kind: "close", socket: 1, code: 1000 },
  { ms: 5, kind: "end", endedBy: "bot", reason: "bot-ended", lost: 0 },
];
const fileOf = (...lines: unknown[]) => Buffer.from(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
const whole = fileOf(header, ...steps);

function failure(bytes: Uint8Array): { code: string; message: string } {
  try {
    parseTrace(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(TraceError);
    expect((error as TraceError).message).not.toContain("\n");
    return error as TraceError;
  }
  throw new Error("it was read");
}

describe("parseTrace", () => {
  it("reads what was written, with or without the last line feed", () => {
    expect(parseTrace(whole)).toEqual({ header, steps, cutOff: false });
    expect(parseTrace(whole.subarray(0, -1))).toEqual({ header, steps, cutOff: false });
    const { callId: _, ...nameless } = header;
    expect(parseTrace(fileOf(nameless)).header).toEqual(nameless);
  });

  it("reads a file that was cut off, wherever it was, up to there", () => {
    const headLength = whole.indexOf("\n") + 1;
    for (let length = headLength; length < whole.length; length++) {
      const trace = parseTrace(whole.subarray(0, length));
      expect(trace.steps).toEqual(steps.slice(0, trace.steps.length));
      const rest = whole.subarray(headLength, length).toString().split("\n").at(-1) as string;
      expect(trace.cutOff).toBe(
        rest !== "" && !rest.endsWith("}\n") && trace.steps.length < steps.length && !isJson(rest),
      );
    }
  });

  it.each<[string, string, RegExp, unknown[] | string]>([
    ["an empty file", "NO_TRACE", /^line 1 is not the head of a trace/, ""],
    ["another file", "NO_TRACE", /^line 1 /, "RIFF\u0000\u0001"],
    ["other JSON", "NO_TRACE", /^line 1 /, [{ level: 30 }]],
    ["a newer one", "NEWER_TRACE", /version 2; .* version 1$/, [{ ...header, version: 2 }]],
    ["a header without version", "TRACE_DAMAGED", /^line 1: version/, [{ ...header, version: "1" }]],
    ["a header with a wrong id", "TRACE_DAMAGED", /^line 1: callId/, [{ ...header, callId: 7 }]],
    [
      "a line that is none",
      "TRACE_DAMAGED",
      /^line 3: it is no JSON object$/,
      `${JSON.stringify(header)}\n${JSON.stringify(steps[0])}\n{"ms":\n{}\n`,
    ],
    ["an empty line", "TRACE_DAMAGED", /^line 2: it is no JSON object$/, `${JSON.stringify(header)}\n\n`],
    ["a list", "TRACE_DAMAGED", /^line 2: it is no JSON object$/, [header, []]],
    ["no time", "TRACE_DAMAGED", /^line 2: ms /, [header, { ...steps[0], ms: "0" }]],
    ["a time before the first", "TRACE_DAMAGED", /^line 2: ms /, [header, { ...steps[0], ms: -1 }]],
    ["time that runs backwards", "TRACE_DAMAGED", /^line 3: time runs backwards$/, [header, steps[2], steps[1]]],
    ["no direction", "TRACE_DAMAGED", /^line 2: dir /, [header, { ms: 0, kind: "open", socket: 1 }]],
    ["an unknown kind", "TRACE_DAMAGED", /^line 2: its kind is unknown$/, [header, { ...steps[2], kind: "song" }]],
    ["no socket", "TRACE_DAMAGED", /^line 2: socket /, [header, { ...steps[2], socket: 0 }]],
    ["no text", "TRACE_DAMAGED", /^line 2: text /, [header, { ...steps[3], text: { event: "media" } }]],
    ["a cut outside", "TRACE_DAMAGED", /^line 2: cuts /, [header, { ...steps[3], cuts: [{ at: 99, length: 4 }] }]],
    ["a cut without end", "TRACE_DAMAGED", /^line 2: cuts /, [header, { ...steps[3], cuts: [{ at: 0, length: 1e9 }] }]],
    [
      "many long cuts",
      "TRACE_DAMAGED",
      /^line 2: cuts /,
      [header, { ...steps[3], cuts: Array(3).fill({ at: 0, length: 30_000 }) }],
    ],
    ["a code that is none", "TRACE_DAMAGED", /^line 2: code /, [header, { ...steps[6], code: -1 }]],
    ["an endless line", "TRACE_DAMAGED", /^line 2: it is longer than 524288 bytes$/, [header, "x".repeat(600_000)]],
  ])("says in a line what is wrong with %s", (_what, code, message, file) => {
    const wrong = failure(typeof file === "string" ? Buffer.from(file) : fileOf(...file));
    expect(wrong.message).toMatch(message);
    expect(wrong.code).toBe(code);
  });

  it("does not read a file that is too long", () => {
    expect(failure(new Uint8Array(128 * 1024 * 1024 + 1)).code).toBe("TRACE_TOO_LARGE");
  });

  it("never fails in another way, whatever the bytes", () => {
    const changed = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
      .map((changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const line = fc.oneof(
      fc.anything(),
      fc
        .tuple(
          fc.constantFrom(...steps),
          fc.dictionary(
            fc.constantFrom("ms", "dir", "kind", "socket", "text", "cuts", "code", "lost", "byteLength"),
            fc.oneof(fc.anything(), fc.constantFrom("in", "out", "text", "end", "close", 0, 1)),
          ),
        )
        .map(([step, fields]) => ({ ...step, ...fields })),
    );
    const written = fc
      .array(line)
      .map((lines) => Buffer.concat([fileOf(header), Buffer.from(lines.map((one) => `${safe(one)}\n`).join(""))]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), changed, written), (bytes) => {
        try {
          const { steps: read } = parseTrace(bytes);
          for (const step of read) expect(step.ms).toBeGreaterThanOrEqual(0);
        } catch (error) {
          if (!(error instanceof TraceError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function safe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
