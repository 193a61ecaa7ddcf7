import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readPipecatOptions } from "../../../src/bots/pipecat/check-options.ts";
import type { PipecatBotOptions } from "../../../src/bots/pipecat/options.ts";
import { openSeats } from "../../../src/bots/pipecat/seats/index.ts";
import { pipecatSettingNames, readPipecatSettings } from "../../../src/bots/pipecat/settings.ts";

type Env = Record<string, string | undefined>;

function read(env: Env) {
  const result = readPipecatSettings(env);
  if (!result.ok) throw new Error(result.problems.join("; "));
  return result.settings;
}
function bot(env: Env): PipecatBotOptions {
  const settings = read(env);
  if (!("bot" in settings)) throw new Error("there are routes");
  return settings.bot;
}
function problems(env: Env): string[] {
  const result = readPipecatSettings(env);
  return result.ok ? [] : result.problems;
}

const URL_1 = "ws://127.0.0.1:7860/ws-client";
const COMMAND = "python bot.py --port {port}";
const START_URL = "https://api.pipecat.daily.co/v1/public/my-agent/start";
const [url, command, startUrl] = [{ BOT_URL: URL_1 }, { BOT_COMMAND: COMMAND }, { BOT_START_URL: START_URL }];

/** Of every variable: what it goes with, values it takes with the options they are, values it refuses. */
const variables: Record<string, [Env, [string, PipecatBotOptions][], string[]]> = {
  BOT_URL: [
    {},
    [
      [URL_1, { url: [{ url: URL_1 }] }],
      [" wss://a/b?token=c , ws://d ", { url: [{ url: "wss://a/b?token=c" }, { url: "ws://d" }] }],
    ],
    ["http://127.0.0.1/", "127.0.0.1:7860", "ws://", "ws://a/#b", "ws://a,", "ws://a:{port}/ws"],
  ],
  BOT_COMMAND: [
    {},
    [[COMMAND, { command: { command: COMMAND } }]],
    ["python bot.py", "python 'bot.py {port}", "python {port} \\", "'' {port}"],
  ],
  BOT_START_URL: [{}, [[START_URL, { startUrl: START_URL }]], ["ws://a/start", "/start", "https://a/#b"]],
  BOT_ROUTES: [{}, [], ["/nowhere/routes.json"]],
  BOT_PROTOCOL: [url, [["twilio", { protocol: "twilio" }]], ["Twilio", "protobuf"]],
  BOT_CAPACITY: [
    { BOT_URL: "ws://a,ws://b" },
    [
      [
        "4",
        {
          url: [
            { url: "ws://a", capacity: 4 },
            { url: "ws://b", capacity: 4 },
          ],
        },
      ],
      [
        "1, 2",
        {
          url: [
            { url: "ws://a", capacity: 1 },
            { url: "ws://b", capacity: 2 },
          ],
        },
      ],
    ],
    ["0", "1,2,3", "1,x", "-1", "1.5"],
  ],
  BOT_HEALTH_PATH: [url, [["/", { healthPath: "/" }]], ["status", "/a b"]],
  BOT_HEALTH_SECONDS: [
    url,
    [
      ["0", { healthCheckMs: 0 }],
      ["3600", { healthCheckMs: 3_600_000 }],
    ],
    ["3601", "5s"],
  ],
  BOT_COMMAND_URL: [
    command,
    [["ws://127.0.0.1:{port}/ws", { command: { command: COMMAND, url: "ws://127.0.0.1:{port}/ws" } }]],
    ["ws://127.0.0.1/ws", "http://127.0.0.1:{port}/", "{port}"],
  ],
  BOT_WARM: [command, [["0", { command: { command: COMMAND, warm: 0 } }]], ["101", "many"]],
  BOT_MAX_PROCESSES: [command, [["8", { command: { command: COMMAND, max: 8 } }]], ["0"]],
  BOT_START_SECONDS: [command, [["90", { command: { command: COMMAND, startTimeoutMs: 90_000 } }]], ["0", "3601"]],
  BOT_OUTPUT: [command, [["inherit", { command: { command: COMMAND, output: "inherit" } }]], ["file"]],
  BOT_KEY: [startUrl, [["pk_1", { key: "pk_1" }]], ["with blank", "with\nbreak"]],
  BOT_BODY: [
    startUrl,
    [['{"language":"de"}', { body: { language: "de" } }]],
    ["de", "[1]", "null", '"a"', `{"a":"${"x".repeat(3_600)}"}`],
  ],
  BOT_CONNECT_SECONDS: [url, [["10", { connectTimeoutMs: 10_000 }]], ["0", "601"]],
  BOT_RECONNECT_SECONDS: [
    url,
    [
      ["0", { reconnectMs: 0 }],
      ["5", { reconnectMs: 5_000 }],
    ],
    ["601"],
  ],
  BOT_INPUT_SAMPLE_RATE: [url, [["8000", { inputSampleRate: 8_000 }]], ["8001", "fast"]],
  BOT_DTMF: [
    url,
    [
      ["1", { dtmf: true }],
      ["false", { dtmf: false }],
    ],
    ["yes"],
  ],
  BOT_TWILIO_ACCOUNT_SID: [url, [["AC0123", { twilioAccountSid: "AC0123" }]], ["AC/01", "x".repeat(65)]],
  BOT_TWILIO_AUTH_TOKEN: [url, [["0123", {}]], ["0 1"]],
};

describe("the settings of Pipecat bots", () => {
  it("are all here", () => {
    expect(Object.keys(variables).sort()).toEqual([...pipecatSettingNames].sort());
  });

  it.for(Object.entries(variables))("%s", ([name, [needed, good, bad]]) => {
    const before = Object.keys(needed).length === 0 ? {} : bot(needed);
    for (const [value, expected] of good) {
      const options = bot({ ...needed, [name]: value });
      expect(options).toEqual({ ...before, ...expected });
      // What is read is what a programmer may give.
      expect(readPipecatOptions(options)).toBeDefined();
    }
    for (const value of bad) {
      const told = problems({ ...needed, [name]: value });
      expect(told, value).toHaveLength(1);
      expect(told[0], value).toMatch(new RegExp(`^${name}:? (the file|must) `));
    }
    expect(problems({ ...needed, [name]: "a secret\n{" }).join()).not.toContain("secret");
    const place = Object.keys(needed).length > 0 ? needed : name === "BOT_URL" ? command : url;
    expect(bot({ ...place, [name]: " " })).toEqual(bot(place));
  });

  it("name everything that is wrong at once", () => {
    expect(problems({})).toEqual(["BOT_URL is missing, or another of BOT_COMMAND, BOT_START_URL, BOT_ROUTES"]);
    expect(problems({ ...url, ...command, BOT_WARM: "x", BOT_PROTOCOL: "y" })).toEqual([
      "BOT_PROTOCOL must be one of pipecat, twilio",
      "BOT_WARM must be a whole number from 0 to 100",
      "BOT_URL and BOT_COMMAND exclude each other: a bot is at one place",
    ]);
    expect(problems({ ...startUrl, BOT_MAX_PROCESSES: "2", BOT_HEALTH_SECONDS: "1" })).toEqual([
      "BOT_HEALTH_SECONDS is only good with BOT_URL or BOT_ROUTES",
      "BOT_MAX_PROCESSES is only good with BOT_COMMAND",
    ]);
    expect(problems({ ...command, BOT_CAPACITY: "2" })).toEqual([
      "BOT_CAPACITY is only good with BOT_URL or BOT_START_URL",
    ]);
  });
});

describe("routes in a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "routes-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (content: unknown) => {
    const path = join(folder, "routes.json");
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return { BOT_ROUTES: path };
  };

  it("are options of bots, with the other variables where they do not say otherwise", () => {
    const env = file({
      "+12025550143": { url: URL_1, capacity: 2, key: "own", protocol: "twilio" },
      "+1202*": { command: { command: COMMAND, warm: 3 } },
      "*": { url: [URL_1, { url: "ws://b", capacity: 1 }] },
    });
    const about = { ...env, BOT_KEY: "shared", BOT_HEALTH_SECONDS: "9", BOT_CONNECT_SECONDS: "7" };
    const shared = { key: "shared", connectTimeoutMs: 7_000 };
    expect(read(about)).toEqual({
      routes: {
        "+12025550143": {
          ...{ url: URL_1, capacity: 2, protocol: "twilio", key: "own" },
          ...{ connectTimeoutMs: 7_000, healthCheckMs: 9_000 },
        },
        "+1202*": { command: { command: COMMAND, warm: 3 }, ...shared },
        "*": { url: [URL_1, { url: "ws://b", capacity: 1 }], healthCheckMs: 9_000, ...shared },
      },
    });
  });

  const wrong: [unknown, string[]][] = [
    ['{"*": {"key": "secret"', ["the file is not JSON"]],
    [[], ["the file must be a JSON object of routes"]],
    [{}, ["routes must name a bot for at least one number, or for *"]],
    [{ "1202*": { url: URL_1 } }, ['routes must be numbers as +12025550143, beginnings as +1202*, or *, got "1202*"']],
    [{ "*": "ws://a" }, ["*: must be an object"]],
    [
      {
        "+1202*": { url: ["ws://a", { url: "ws://b", capacity: 0 }, "http://c"], warm: 2 },
        "*": { command: "python", url: "ws://a" },
        "+44*": { url: "ws://a", command: COMMAND },
        "+45*": {},
      },
      [
        "+1202*: url[1].capacity must be a whole number from 1 to 100000",
        "+1202*: url[2] must be a URL that starts with ws:// or wss://, without a fragment",
        "+1202*: must not have warm",
        "*: command must have {port} in it, for the port that it is to listen on",
        "+44*: must have one of url, command and startUrl",
        "+45*: must have one of url, command and startUrl",
      ],
    ],
  ];
  it.for(wrong)("%j is told what is wrong with it", ([content, expected]) => {
    expect(problems(file(content))).toEqual(expected.map((problem) => `BOT_ROUTES: ${problem}`));
  });
});

describe("a programmer's options", () => {
  it("are completed", () => {
    expect(readPipecatOptions({ url: "ws://a", capacity: 2 })).toEqual({
      seats: {
        ...{ kind: "url", urls: [{ url: "ws://a", capacity: 2 }] },
        ...{ healthPath: undefined, healthCheckMs: undefined, key: undefined, body: undefined },
      },
      ...{ protocol: "pipecat", connectTimeoutMs: 5_000, reconnectMs: 0, inputSampleRate: undefined, dtmf: false },
      twilioAccountSid: undefined,
    });
    const urls: PipecatBotOptions = { url: ["ws://a", { url: "ws://b", capacity: 1 }], capacity: 5, key: "k" };
    expect(readPipecatOptions(urls).seats).toMatchObject({
      ...{ kind: "url", key: "k" },
      urls: [
        { url: "ws://a", capacity: 5 },
        { url: "ws://b", capacity: 1 },
      ],
    });
    const body = { language: "de" };
    expect(readPipecatOptions({ startUrl: START_URL, body, capacity: 3 }).seats).toEqual({
      ...{ kind: "start", startUrl: START_URL, body, capacity: 3, key: undefined },
    });
  });

  it("have a command be reached where its protocol has it", () => {
    const urlOf = (options: PipecatBotOptions) => (readPipecatOptions(options).seats as { url: string }).url;
    expect(urlOf({ command: COMMAND })).toBe("ws://127.0.0.1:{port}/ws-client");
    expect(urlOf({ command: COMMAND, protocol: "twilio" })).toBe("ws://127.0.0.1:{port}/ws");
    expect(urlOf({ command: { command: COMMAND, url: "ws://[::1]:{port}/" } })).toBe("ws://[::1]:{port}/");
  });

  const wrong: [unknown, typeof Error, string][] = [
    [undefined, TypeError, "options must be an object"],
    [{}, TypeError, "options must have one of url, command and startUrl"],
    [{ url: 7 }, RangeError, "url must be a URL or a list of URLs, got 7"],
    [{ url: [] }, TypeError, "url must have a URL"],
    [{ url: "http://a" }, TypeError, "url must be a URL that starts with ws:// or wss://, without a fragment"],
    [{ url: "ws://a", capacity: 0 }, RangeError, "capacity must be a whole number from 1 to 100000, got 0"],
    [{ url: "ws://a", capacity: "4" }, TypeError, "capacity must be a whole number from 1 to 100000"],
    [
      { url: [{ url: "ws://a", capacity: 1.5 }] },
      RangeError,
      "url[0].capacity must be a whole number from 1 to 100000, got 1.5",
    ],
    [{ command: COMMAND, capacity: 2 }, TypeError, "capacity goes with url or startUrl: a command has max"],
    [{ command: COMMAND, healthPath: "/" }, TypeError, "healthPath goes with url"],
    [
      { command: { command: COMMAND, warm: 101 } },
      RangeError,
      "command.warm must be a whole number from 0 to 100, got 101",
    ],
    [{ command: { command: COMMAND, port: 1 } }, TypeError, "command must not have port"],
    [{ url: "ws://a", protocol: "twillio" }, TypeError, "protocol must be pipecat or twilio"],
    [{ url: "ws://a", inputSampleRate: 11_000 }, RangeError, "inputSampleRate must be one of 8000, "],
    [{ url: "ws://a", key: "a b" }, TypeError, "key must be 1 to 1024 characters without blanks or line breaks"],
    [{ url: "ws://a", body: { a: "x".repeat(3_600) } }, TypeError, "body must have 3584 bytes at most, as JSON"],
    [{ url: "ws://a", body: { a: 1n } }, TypeError, "body must have 3584 bytes at most, as JSON"],
    [{ url: "ws://a", dtmf: 1 }, RangeError, "dtmf must be true or false, got 1"],
    [{ url: "ws://a", urls: [] }, TypeError, "options must not have urls"],
  ];
  it.for(wrong)("%o are refused", ([options, type, message]) => {
    const refuse = () => readPipecatOptions(options as PipecatBotOptions);
    expect(refuse).toThrow(type);
    expect(refuse).toThrow(message);
  });

  it("open the seats they name", async () => {
    const node = `'${process.execPath}' -e '' {port}`;
    const counters = { url: "health_changes_down", command: "processes_started", startUrl: "sessions_started" };
    const all: PipecatBotOptions[] = [{ url: "ws://a", healthCheckMs: 0 }, { command: node }, { startUrl: START_URL }];
    for (const options of all) {
      const seats = openSeats(readPipecatOptions(options).seats);
      const place = Object.keys(options)[0] as keyof typeof counters;
      expect(seats.counters).toHaveProperty(counters[place]);
      await seats.close();
    }
  });
});
