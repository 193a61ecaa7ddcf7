import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { defaultSettings, readSettings, type ServerSettings, settingNames } from "../../src/server/index.ts";

function read(env: Record<string, string | undefined>): ServerSettings {
  const result = readSettings(env);
  if (!result.ok) throw new Error(result.problems.join("; "));
  return result.settings;
}

function problems(env: Record<string, string | undefined>): string[] {
  const result = readSettings(env);
  return result.ok ? [] : result.problems;
}

/** Of every variable: the setting it is, values it takes with what they mean, values it refuses. */
const variables: Record<string, [keyof ServerSettings, [string, unknown][], string[]]> = {
  HOST: [
    "host",
    [
      ["::1", "::1"],
      ["0.0.0.0", "0.0.0.0"],
    ],
    [],
  ],
  PORT: [
    "port",
    [
      ["0", 0],
      ["65535", 65_535],
      [" 8080 ", 8_080],
    ],
    ["65536", "-1", "80.5", "http", "0x50", "1e3"],
  ],
  PUBLIC_URL: [
    "publicUrl",
    [
      ["https://bot.example.com", "https://bot.example.com"],
      ["https://example.com:8443/bots//", "https://example.com:8443/bots"],
      ["HTTPS://Bot.Example.com/", "https://bot.example.com"],
      ["http://192.0.2.1:7860", "http://192.0.2.1:7860"],
    ],
    [
      "bot.example.com",
      "wss://bot.example.com",
      "https://",
      "https://a b",
      "https://x.com/?a=b",
      "https://u:p@x.com",
      "https://x.com/#a",
    ],
  ],
  WAVIX_API_KEY: [
    "wavixApiKey",
    [["k".repeat(8), "k".repeat(8)]],
    ["short", "with a blank", "with\nbreak1", "schlüssel-1", "k".repeat(1_025)],
  ],
  WAVIX_API_BASE: [
    "wavixApiBase",
    [
      ["http://127.0.0.1:7870", "http://127.0.0.1:7870"],
      ["https://proxy.example.com/wavix/", "https://proxy.example.com/wavix"],
    ],
    ["api.wavix.com", "ftp://api.wavix.com", "https://api.wavix.com/?key=1", "https://u:p@api.wavix.com"],
  ],
  WEBHOOK_SECRET: [
    "webhookSecret",
    [["abcd-EF_9", "abcd-EF_9"]],
    ["short", "with/slash", "with blank", "a".repeat(129)],
  ],
  WEBHOOK_SECRET_PREVIOUS: ["webhookSecretPrevious", [["abcd-EF_8", "abcd-EF_8"]], ["short", "with/slash"]],
  WEBHOOK_ALLOW: [
    "webhookAllow",
    [
      ["192.0.2.7", ["192.0.2.7"]],
      ["192.0.2.0/24, 2001:db8::/32", ["192.0.2.0/24", "2001:db8::/32"]],
    ],
    ["wavix.com", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/24/8", "192.0.2.9,", "2001:db8::/129", "10.0.0.0/-8"],
  ],
  VERIFY_CALLS: [
    "verifyCalls",
    [
      ["1", true],
      ["0", false],
    ],
    ["maybe"],
  ],
  STREAM_TOKEN_SECRET: ["streamTokenSecret", [["x".repeat(16), "x".repeat(16)]], ["x".repeat(15), "x".repeat(1_025)]],
  STREAM_TOKEN_SECRET_PREVIOUS: ["streamTokenSecretPrevious", [["y".repeat(16), "y".repeat(16)]], ["y".repeat(15)]],
  OPERATOR_TOKEN: ["operatorToken", [["o".repeat(16), "o".repeat(16)]], ["o".repeat(15), "with a blank inside"]],
  TRUST_PROXY: ["trustProxy", [["127.0.0.1,::1", ["127.0.0.1", "::1"]]], ["1", "loopback"]],
  OPEN_WS: [
    "openWs",
    [
      ["1", true],
      ["true", true],
      ["0", false],
      ["false", false],
    ],
    ["yes", "2"],
  ],
  STRICT_START: [
    "strictStart",
    [
      ["1", true],
      ["false", false],
    ],
    ["on"],
  ],
  WORKERS: [
    "workers",
    [
      ["1", 1],
      ["256", 256],
      ["auto", availableParallelism()],
    ],
    ["0", "257", "all", "-1", "1.5"],
  ],
  MAX_CALLS: [
    "maxCalls",
    [
      ["1", 1],
      ["100000", 100_000],
    ],
    ["0", "100001", "many"],
  ],
  MAX_CALLS_PER_SECOND: [
    "maxCallsPerSecond",
    [
      ["0", 0],
      ["20", 20],
    ],
    ["-1", "100001", "0.5"],
  ],
  MAX_LOOP_DELAY_MS: [
    "maxLoopDelayMs",
    [
      ["0", 0],
      ["50", 50],
    ],
    ["60001"],
  ],
  ADDRESS_REQUESTS_PER_SECOND: [
    "addressRequestsPerSecond",
    [
      ["0", 0],
      ["10", 10],
    ],
    ["100001"],
  ],
  MAX_MESSAGES_PER_SECOND: [
    "maxMessagesPerSecond",
    [
      ["0", 0],
      ["100", 100],
    ],
    ["100001"],
  ],
  WHEN_FULL: [
    "whenFull",
    [
      ["ring", "ring"],
      ["hang-up", "hang-up"],
    ],
    ["busy", "RING"],
  ],
  ANSWER: [
    "answer",
    [
      ["with-stream", "with-stream"],
      ["then-stream", "then-stream"],
    ],
    ["stream-only"],
  ],
  SAMPLE_RATE: [
    "sampleRate",
    [
      ["8000", 8_000],
      ["44100", 44_100],
      ["48000", 48_000],
    ],
    ["44000", "0", "NaN", "16 kHz"],
  ],
  PLAYOUT_DELAY_MS: [
    "playoutDelayMs",
    [
      ["0", 0],
      ["2000", 2_000],
    ],
    ["2001", "-1"],
  ],
  SEND_AHEAD_MS: [
    "sendAheadMs",
    [
      ["0", 0],
      ["10000", 10_000],
    ],
    ["10001", "x"],
  ],
  MAX_CALL_SECONDS: [
    "maxCallMs",
    [
      ["1", 1_000],
      ["86400", 86_400_000],
    ],
    ["0", "86401"],
  ],
  IDLE_TIMEOUT_SECONDS: [
    "idleTimeoutMs",
    [
      ["1", 1_000],
      ["3600", 3_600_000],
    ],
    ["0", "3601"],
  ],
  NO_MEDIA_TIMEOUT_SECONDS: [
    "noMediaTimeoutMs",
    [
      ["0", 0],
      ["30", 30_000],
    ],
    ["3601"],
  ],
  PING_SECONDS: [
    "pingMs",
    [
      ["0", 0],
      ["5", 5_000],
    ],
    ["3601"],
  ],
  START_TIMEOUT_SECONDS: [
    "startTimeoutMs",
    [
      ["1", 1_000],
      ["300", 300_000],
    ],
    ["0", "301"],
  ],
  REQUEST_TIMEOUT_SECONDS: [
    "requestTimeoutMs",
    [
      ["1", 1_000],
      ["300", 300_000],
    ],
    ["0", "301"],
  ],
  DRAIN_SECONDS: [
    "drainMs",
    [
      ["0", 0],
      ["86400", 86_400_000],
    ],
    ["-1", "86401"],
  ],
  FAILURE_PROMPT: ["failurePrompt", [["./sorry.wav", "./sorry.wav"]], []],
  CDR: [
    "cdr",
    [
      ["-", "-"],
      ["/var/log/calls.jsonl", "/var/log/calls.jsonl"],
    ],
    [],
  ],
  TRACE_DIR: ["traceDir", [["/var/traces", "/var/traces"]], []],
  TRACE_CALLS: ["traceCalls", [["asked", "asked"]], ["none", "ASKED"]],
  TRACE_AUDIO: ["traceAudio", [["1", true]], ["yes"]],
  LOG_LEVEL: [
    "logLevel",
    [
      ["trace", "trace"],
      ["silent", "silent"],
    ],
    ["verbose"],
  ],
};

/** What a variable wants beside it. */
const BESIDE: Record<string, Record<string, string>> = {
  WAVIX_API_KEY: { PUBLIC_URL: "https://bot.example.com" },
  WEBHOOK_SECRET_PREVIOUS: { WEBHOOK_SECRET: "the-new-one" },
  STREAM_TOKEN_SECRET_PREVIOUS: { STREAM_TOKEN_SECRET: "the-new-one-of-16" },
};

describe("settings", () => {
  it("are all here", () => {
    expect(Object.keys(variables)).toEqual(settingNames);
    expect(
      Object.values(variables)
        .map(([setting]) => setting)
        .sort(),
    ).toEqual(Object.keys(defaultSettings).sort());
  });

  it.for(Object.entries(variables))("%s", ([name, [setting, good, bad]]) => {
    const beside = BESIDE[name] ?? {};
    for (const [value, meaning] of good)
      expect([value, read({ ...beside, [name]: value })[setting]]).toEqual([value, meaning]);
    for (const value of ["", "  ", undefined]) expect(read({ [name]: value })).toEqual(defaultSettings);
    for (const value of bad) {
      const found = problems({ ...beside, [name]: value });
      expect([value, found]).toEqual([value, [expect.stringMatching(new RegExp(`^${name} must `))]]);
      // It may be a secret, mistyped.
      if (value.length > 8) expect(found[0]).not.toContain(value);
    }
  });

  it("are reported all at once", () => {
    const bad = Object.fromEntries(
      Object.entries(variables).flatMap(([name, [, , values]]) => (values[0] === undefined ? [] : [[name, values[0]]])),
    );
    const found = problems(bad);
    expect(found.map((problem) => problem.split(" ")[0])).toEqual(Object.keys(bad));
    expect(problems({ WAVIX_API_KEY: "key-of-the-account", PORT: "x", LOG_LEVEL: "x" })).toEqual([
      expect.stringContaining("PORT must"),
      expect.stringContaining("LOG_LEVEL must"),
      expect.stringContaining("PUBLIC_URL is missing"),
    ]);
  });

  it("have no old secret without a new one", () => {
    expect(problems({ WEBHOOK_SECRET_PREVIOUS: "the-old-one" })).toEqual([
      expect.stringContaining("WEBHOOK_SECRET is missing"),
    ]);
    expect(problems({ STREAM_TOKEN_SECRET_PREVIOUS: "the-old-one-of-16" })).toEqual([
      expect.stringContaining("STREAM_TOKEN_SECRET is missing"),
    ]);
  });

  it("are local without a key: this machine, and a simulated Wavix", () => {
    expect(read({})).toEqual(defaultSettings);
    expect(read({ PATH: "/bin", CONSTRUCTOR: "x" })).toEqual(defaultSettings);
    expect(defaultSettings).toMatchObject({ host: "127.0.0.1", port: 7860, wavixApiBase: "http://127.0.0.1:7870" });
    expect(defaultSettings).toMatchObject({ publicUrl: undefined, wavixApiKey: undefined, openWs: false });
  });

  it("are real with one: all addresses, and Wavix itself", () => {
    const key = { WAVIX_API_KEY: "key-of-the-account" };
    expect(problems(key)).toEqual([expect.stringContaining("PUBLIC_URL is missing")]);
    const real = { ...key, PUBLIC_URL: "https://bot.example.com" };
    expect(read(real)).toEqual({
      ...defaultSettings,
      host: "0.0.0.0",
      publicUrl: "https://bot.example.com",
      wavixApiKey: "key-of-the-account",
      wavixApiBase: "https://api.wavix.com",
    });
    const elsewhere = { ...real, HOST: "127.0.0.1", WAVIX_API_BASE: "http://127.0.0.1:1234" };
    expect(read(elsewhere)).toMatchObject({ host: "127.0.0.1", wavixApiBase: "http://127.0.0.1:1234" });
  });
});
