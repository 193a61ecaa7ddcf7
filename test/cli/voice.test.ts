import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, folder } from "../support/commands.ts";

const KEYS = { OPENAI_API_KEY: "o-1", DEEPGRAM_API_KEY: "d-1", CARTESIA_API_KEY: "c-1" };

describe("demo --bot voice", () => {
  it("shows a whole conversation without keys: turns, a barge-in, a goodbye", { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await command(["demo", "--bot", "voice", "--json"]);
    expect(stderr).toBe("");
    const figures = JSON.parse(stdout);
    expect(figures.problems).toEqual([]);
    expect(code).toBe(0);
    expect(figures).toMatchObject({ ok: true, turns: 3, endReason: "goodbye" });
    expect(figures.durationMs).toBeLessThan(40_000);
    expect(figures.bargeInSilenceMs).toBeGreaterThan(0);
    const said = figures.transcript.map(({ who, text }: { who: string; text: string }) => `${who}: ${text}`);
    expect(said).toContain("caller: I would like the margherita please.");
    expect(said.at(-1)).toBe("bot: Thank you for calling, and see you soon!");
  });

  it("knows no other bots", async () => {
    const { code, stderr } = await command(["demo", "--bot", "pipecat"]);
    expect(code).toBe(2);
    expect(stderr).toBe("pipecat-wavix demo: --bot must be echo or voice, got pipecat\n");
  });
});

describe("start --bot voice", () => {
  it("names all missing keys at once", async () => {
    const { code, stderr } = await command(["start", "--bot", "voice", "--port", "0"]);
    expect(code).toBe(2);
    expect(stderr).toContain("OPENAI_API_KEY, DEEPGRAM_API_KEY, CARTESIA_API_KEY are missing");
    const { CARTESIA_API_KEY, ...two } = KEYS;
    const other = await command(["start", "--bot", "voice", "--port", "0", "--workers", "2"], two);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("CARTESIA_API_KEY is missing: set it in .env (see .env.example)");
  });

  it("takes them from .env, and says what is wrong with the others without showing them", async () => {
    writeFileSync(
      join(folder(), ".env"),
      Object.entries(KEYS)
        .map(([name, value]) => `${name}=${value}`)
        .join("\n"),
    );
    const { code, stderr } = await command(["start", "--bot", "voice", "--port", "0"], {
      OPENAI_API_KEY: "sk two words",
      VOICE_MIN_WORDS: "many",
      DEEPGRAM_BASE_URL: "ftp://deepgram",
    });
    expect(code).toBe(2);
    expect(stderr).toContain("OPENAI_API_KEY must be a key");
    expect(stderr).toContain("VOICE_MIN_WORDS must be a whole number from 0 to 20");
    expect(stderr).toContain("DEEPGRAM_BASE_URL must be a URL that starts with");
    expect(stderr).not.toContain("two words");
    expect(stderr).not.toContain("missing");
  });
});
