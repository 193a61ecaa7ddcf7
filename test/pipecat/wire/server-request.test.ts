import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type CollectRequest, parseServerRequest } from "../../../src/pipecat/wire/index.ts";
import type { CollectOptions } from "../../../src/wavix/control/index.ts";

const collect = (members: Record<string, unknown>) => parseServerRequest({ type: "wavix-collect", ...members });
const refused = (request: string, message: string) => ({ ok: false, request, message });

describe("what a bot asks for", () => {
  it("is a hang-up", () => {
    const request = { ok: true, request: "wavix-hang-up" };
    expect(parseServerRequest({ type: "wavix-hang-up" })).toEqual({ ...request, reason: undefined });
    expect(parseServerRequest({ type: "wavix-hang-up", reason: null })).toEqual({ ...request, reason: undefined });
    const reason = "x".repeat(64);
    expect(parseServerRequest({ type: "wavix-hang-up", reason })).toEqual({ ...request, reason });
  });

  it("are keys, with all that Wavix knows", () => {
    const say = { text: "Your PIN, please", voice: "Joanna", language: "en" };
    const members = {
      max_digits: 4,
      timeout_seconds: 10,
      termination_character: "#",
      max_attempts: 2,
      prompt: { play: "https://example.com/pin.wav", say },
      repeat: true,
      color: "red",
    };
    expect(collect(members)).toEqual({
      ok: true,
      request: "wavix-collect",
      collect: {
        maxDigits: 4,
        timeoutSeconds: 10,
        terminationCharacter: "#",
        maxAttempts: 2,
        prompt: { play: "https://example.com/pin.wav", say },
      },
      repeat: true,
    });
    expect(collect({})).toEqual({ ok: true, request: "wavix-collect", collect: {}, repeat: false });
    expect(parseServerRequest({ type: "wavix-collect-stop" })).toEqual({ ok: true, request: "wavix-collect-stop" });
  });

  it("takes what is null for left out", () => {
    const none = { max_digits: null, timeout_seconds: null, termination_character: null, max_attempts: null };
    expect(collect({ ...none, prompt: null, repeat: null })).toEqual(collect({}));
    expect(collect({ prompt: { play: null, say: null } })).toEqual(collect({ prompt: {} }));
  });

  it("is what Wavix's REST side takes", () => {
    expectTypeOf<CollectRequest>().toEqualTypeOf<CollectOptions>();
  });

  it("is a file", () => {
    expect(parseServerRequest({ type: "wavix-play", audio_file: "https://example.com/a.wav" })).toEqual({
      ok: true,
      request: "wavix-play",
      audioFile: "https://example.com/a.wav",
    });
  });

  it.each([
    [{ type: "wavix-hang-up", reason: 7 }, "reason must be a string, got number"],
    [{ type: "wavix-hang-up", reason: "x".repeat(65) }, "reason must have at most 64 characters, got 65"],
    [{ type: "wavix-collect", max_digits: "4" }, "max_digits must be a number, got string"],
    [{ type: "wavix-collect", timeout_seconds: true }, "timeout_seconds must be a number, got boolean"],
    [{ type: "wavix-collect", termination_character: 1 }, "termination_character must be a string, got number"],
    [{ type: "wavix-collect", max_attempts: {} }, "max_attempts must be a number, got object"],
    [{ type: "wavix-collect", repeat: "yes" }, "repeat must be a boolean, got string"],
    [{ type: "wavix-collect", prompt: "PIN?" }, "prompt must be an object, got string"],
    [{ type: "wavix-collect", prompt: [] }, "prompt must be an object, got an array"],
    [{ type: "wavix-collect", prompt: { play: 1 } }, "prompt.play must be a string, got number"],
    [{ type: "wavix-collect", prompt: { say: "PIN?" } }, "prompt.say must be an object, got string"],
    [{ type: "wavix-collect", prompt: { say: { voice: "Joey" } } }, "prompt.say.text is missing"],
    [{ type: "wavix-collect", prompt: { say: { text: "PIN?" } } }, "prompt.say.voice is missing"],
    [
      { type: "wavix-collect", prompt: { say: { text: "PIN?", voice: "Joey", language: "fr" } } },
      "prompt.say.language must be one of ru, en, sp, ge",
    ],
    [{ type: "wavix-play" }, "audio_file is missing"],
    [{ type: "wavix-play", audio_file: 1 }, "audio_file must be a string, got number"],
    [{ type: "wavix-transfer" }, "unknown; there are wavix-hang-up, wavix-collect, wavix-collect-stop and wavix-play"],
  ])("is refused with a word: %j", (data, message) => {
    expect(parseServerRequest(data)).toEqual(refused(data.type, message));
  });

  it("names the voices there are", () => {
    const request = collect({ prompt: { say: { text: "PIN?", voice: "Alice" } } });
    expect(request).toMatchObject(
      refused("wavix-collect", expect.stringMatching(/^prompt\.say\.voice .* Ivy, Joanna/)),
    );
  });

  it("is named in 64 characters at most", () => {
    const request = parseServerRequest({ type: `wavix-${"x".repeat(1_000)}` });
    expect(request).toMatchObject({ ok: false, request: `wavix-${"x".repeat(58)}` });
  });

  it.each([
    [undefined],
    [null],
    ["wavix-hang-up"],
    [["wavix-hang-up"]],
    [{}],
    [{ type: 1 }],
    [{ type: "hang-up" }],
    [{ type: "WAVIX-hang-up" }],
  ])("is none of ours: %j", (data) => {
    expect(parseServerRequest(data)).toBeUndefined();
  });

  it("never throws", () => {
    const type = fc.constantFrom("wavix-hang-up", "wavix-collect", "wavix-collect-stop", "wavix-play", "wavix-x", "x");
    const name = fc.constantFrom("reason", "max_digits", "prompt", "repeat", "audio_file", "say", "__proto__");
    const answers = new Set<boolean | undefined>();
    fc.assert(
      fc.property(type, fc.dictionary(name, fc.jsonValue()), (type, members) => {
        answers.add(parseServerRequest({ ...members, type })?.ok);
      }),
      { numRuns: 1_000 },
    );
    expect(answers).toEqual(new Set([true, false, undefined]));
  });
});
