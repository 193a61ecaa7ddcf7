import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_RTVI_LENGTH, parseRtvi, versionAtLeast } from "../../../src/pipecat/wire/index.ts";

const rtvi = (members: Record<string, unknown>) => parseRtvi(JSON.stringify({ label: "rtvi-ai", ...members }));

describe("RTVI messages of a bot", () => {
  // As the models of Pipecat 1.14.0 dump them.
  it.each([
    [
      {
        type: "bot-ready",
        id: "a",
        data: { version: "2.2.0", about: { library: "pipecat-ai", library_version: "1.14.0" } },
      },
      { kind: "bot-ready", version: "2.2.0", libraryVersion: "1.14.0" },
    ],
    [
      { type: "bot-ready", id: "a", data: { version: "1.2.0", about: null } },
      { kind: "bot-ready", version: "1.2.0", libraryVersion: undefined },
    ],
    [{ type: "bot-started-speaking" }, { kind: "bot-started-speaking" }],
    [{ type: "bot-stopped-speaking" }, { kind: "bot-stopped-speaking" }],
    [{ type: "user-started-speaking" }, { kind: "user-started-speaking" }],
    [{ type: "user-stopped-speaking" }, { kind: "user-stopped-speaking" }],
    [{ type: "bot-interrupted" }, { kind: "bot-interrupted" }],
    [
      { type: "error", data: { error: "no key", fatal: true } },
      { kind: "error", message: "no key", fatal: true },
    ],
    [
      { type: "error", data: { error: "late", fatal: false } },
      { kind: "error", message: "late", fatal: false },
    ],
    [
      { type: "error", data: { error: "late" } },
      { kind: "error", message: "late", fatal: false },
    ],
    [
      { type: "error-response", id: "x", data: { error: "Unsupported type dtmf" } },
      { kind: "error-response", id: "x", message: "Unsupported type dtmf" },
    ],
    [
      { type: "server-message", data: { type: "wavix-hang-up" } },
      { kind: "server-message", data: { type: "wavix-hang-up" } },
    ],
    [
      { type: "server-message", data: [1] },
      { kind: "server-message", data: [1] },
    ],
    [
      { type: "server-response", id: "x", data: { t: "menu", d: { open: true } } },
      { kind: "server-response", id: "x", t: "menu", d: { open: true } },
    ],
    [
      { type: "server-response", id: "x", data: { t: "menu" } },
      { kind: "server-response", id: "x", t: "menu", d: undefined },
    ],
    [
      { type: "bot-llm-text", data: { text: "hello" } },
      { kind: "other", type: "bot-llm-text" },
    ],
  ])("are read: %j", (message, expected) => {
    expect(rtvi(message)).toEqual(expected);
  });

  it.each([
    [{}],
    [{ type: 7 }],
    [{ type: "bot-ready" }],
    [{ type: "bot-ready", data: { version: 2 } }],
    [{ type: "bot-ready", data: [] }],
    [{ type: "error", data: "late" }],
    [{ type: "error", data: { error: { text: "late" } } }],
    [{ type: "error-response", data: { error: "no id" } }],
    [{ type: "error-response", id: "x" }],
    [{ type: "server-response", id: "x", data: { d: 1 } }],
    [{ type: "server-response", data: { t: "no id" } }],
  ])("are malformed without what they are about: %j", (message) => {
    expect(rtvi(message)).toEqual({ kind: "malformed" });
  });

  it.each(["", "{", "null", "[]", '"rtvi-ai"', "7", '{"label":"rtvi-ai","type":"bot-interrupted"'])(
    "are JSON objects, which %j is not",
    (text) => {
      expect(parseRtvi(text)).toEqual({ kind: "malformed" });
    },
  );

  it("are told from an application's own", () => {
    expect(parseRtvi('{"type":"bot-interrupted"}')).toEqual({ kind: "other", type: undefined });
    expect(parseRtvi('{"label":"mine","type":"bot-interrupted"}')).toEqual({ kind: "other", type: undefined });
  });

  it("have at most 256 KiB", () => {
    const message = (length: number) => {
      const text = JSON.stringify({ label: "rtvi-ai", type: "bot-interrupted", pad: "" });
      return text.replace('""', `"${"x".repeat(length - text.length)}"`);
    };
    expect(message(MAX_RTVI_LENGTH)).toHaveLength(262_144);
    expect(parseRtvi(message(MAX_RTVI_LENGTH))).toEqual({ kind: "bot-interrupted" });
    expect(parseRtvi(message(MAX_RTVI_LENGTH + 1))).toEqual({ kind: "malformed" });
  });

  it("never throw, whatever they hold", () => {
    const type = fc.constantFrom("bot-ready", "error", "error-response", "server-message", "server-response", "x");
    const member = (name: string) =>
      fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom("version", "about", "error", "t", name), fc.jsonValue()));
    const kinds = new Set<string>();
    fc.assert(
      fc.property(
        fc.record({ type, id: member("id"), data: member("data") }, { requiredKeys: ["type"] }),
        (message) => {
          kinds.add(rtvi(message).kind);
        },
      ),
      { numRuns: 1_000 },
    );
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseRtvi(text)));
    expect(parseRtvi("[".repeat(200_000))).toEqual({ kind: "malformed" });
    expect(kinds).toContain("malformed");
    expect(kinds).toContain("bot-ready");
  });
});

describe("versions", () => {
  it.each<[string | undefined, number, number, boolean]>([
    ["1.4.0", 1, 4, true],
    ["1.3.9", 1, 4, false],
    ["1.10.0", 1, 4, true],
    ["2.0.0", 1, 4, true],
    ["2.0", 1, 4, true],
    ["0.9.9", 1, 4, false],
    ["2.1.0", 2, 1, true],
    ["2.0.9", 2, 1, false],
    ["1.4.0-rc.1", 1, 4, true],
    ["1.4rc1", 1, 4, false],
    ["10.0.0", 2, 0, true],
    [undefined, 0, 0, false],
    ["", 0, 0, false],
    ["2", 1, 4, false],
    ["v2.0.0", 1, 4, false],
    [".1.4", 0, 0, false],
  ])("%s is at least %d.%d: %s", (version, major, minor, expected) => {
    expect(versionAtLeast(version, major, minor)).toBe(expected);
  });
});
