import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSpeechRecording, readWavFile, writeWav } from "../../src/simulator/index.ts";
import { command, folder, localUrl, said, start } from "../support/commands.ts";
import { freePort } from "../support/free-port.ts";

/** `--wav` with a second and a half of speech: the demo plays the whole sentence. */
function shortSpeech(): string[] {
  const { samples, sampleRate } = readSpeechRecording();
  writeFileSync(join(folder(), "short.wav"), writeWav(samples.subarray(0, 1.5 * sampleRate), sampleRate));
  return ["--wav", "short.wav"];
}

describe("pipecat-wavix", () => {
  it("explains itself, and each command does", async () => {
    const help = await command(["--help"]);
    expect(help.code).toBe(0);
    const names = [...help.stdout.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name as string);
    expect(names).toEqual(["demo", "start", "bot", "doctor", "call", "replay", "load", "soak", "resample"]);
    for (const name of names) {
      const { code, stdout } = await command([name, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`usage: pipecat-wavix ${name}`);
    }
    expect((await command([])).code).toBe(2);
  });

  it("says in a line what is wrong with a command line", async () => {
    const mistakes: [string[], RegExp][] = [
      [
        ["start", "--fallback-bot", "nobody"],
        /^pipecat-wavix start: --fallback-bot must be echo, pipecat, voice, realtime or a file .* got nobody\n$/,
      ],
      [["strat"], /^pipecat-wavix: there is no command "strat"; try pipecat-wavix --help\n$/],
      [["demo", "--jsno"], /^pipecat-wavix demo: Unknown option '--jsno'.*; try --help\n$/],
      [
        ["start", "--bot", "nobody"],
        /^pipecat-wavix start: --bot must be echo, pipecat, voice, realtime or a file such as .\/my-bot.mjs, got nobody\n$/,
      ],
      [["start", "--bot", "./my-bot.mjs"], /^pipecat-wavix start: --bot .\/my-bot.mjs: there is no such file\n$/],
      [["call", "--server", "here"], /^pipecat-wavix call: --server must be an http.* got here\n$/],
      [["start", "--trace", "/dev/null"], /^pipecat-wavix start: TRACE_DIR: \/dev\/null cannot be written \(E\w+\)\n$/],
      [["replay"], /^pipecat-wavix replay: name one FILE; try --help\n$/],
      [["replay", "missing.jsonl"], /^pipecat-wavix replay: missing.jsonl: cannot be read \(ENOENT\)\n$/],
      [["replay", "/dev/null"], /^pipecat-wavix replay: \/dev\/null: line 1 is not the head of a trace .*\n$/],
      [["replay", "x", "--speed", "0"], /^pipecat-wavix replay: --speed must be from 0.01 to 100, got 0\n$/],
      [["call", "--digits", "1a"], /^pipecat-wavix call: --digits must be of 0 to 9, \* and #, got 1a\n$/],
      [["call", "--wav", "missing.wav"], /^pipecat-wavix call: --wav missing.wav: .*\n$/],
      [["call", "--save", "no/heard.wav"], /^pipecat-wavix call: --save no\/heard.wav: there is no such folder\n$/],
      [["load", "--calls", "-5"], /^pipecat-wavix load: Option '--calls' argument is ambiguous; try --help\n$/],
      [
        ["call", "--listen", "soon"],
        /^pipecat-wavix call: --listen must be a whole number from 0 to 600000, got soon\n$/,
      ],
    ];
    const outcomes = await Promise.all(mistakes.map(([argv]) => command(argv)));
    outcomes.forEach(({ code, stderr }, i) => {
      expect(stderr).toMatch(mistakes[i]![1]);
      expect(code).toBe(2);
    });
  });
});

it("shows where a bot's module broke, and says so in a line", async () => {
  writeFileSync(join(folder(), "bad.mjs"), 'throw new Error("my bug");');
  const argv = ["--bot", "./bad.mjs"];
  const outcomes = await Promise.all([command(["start", "--port", "0", ...argv]), command(["load", ...argv])]);
  for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^Error: my bug\n {4}at .*bad\.mjs:1:7\n/);
    const last = `pipecat-wavix ${["start", "load"][i]}: --bot ./bad.mjs cannot be loaded: Error: my bug\n`;
    expect(stderr.endsWith(`\n${last}`)).toBe(true);
  }
});

describe("demo", () => {
  it("runs the main job with nothing configured and reports in JSON", async () => {
    const { code, stdout, stderr } = await command(["demo", "--json"]);
    expect(stderr).toBe("");
    const figures = JSON.parse(stdout.trim());
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(figures).toMatchObject({ ok: true, gaps: 0, hungUp: true, invalidMessages: 0, problems: [] });
    expect(figures.similarity).toBeGreaterThan(0.98);
    expect(figures.packetsIn).toBeGreaterThan(300);
    expect(figures.packetsOut).toBeGreaterThan(300);
    for (const name of ["answerMs", "firstAudioMs", "roundTripMs"]) expect(figures[name]).toBeGreaterThan(0);
    expect(code).toBe(0);
  }, 40_000);
});

describe("start and call", () => {
  it("answer a simulated call, and stop cleanly", async () => {
    const apiPort = await freePort();
    const server = await start([], { WAVIX_API_BASE: `http://127.0.0.1:${apiPort}`, WEBHOOK_SECRET: "not-for-logs" });
    expect(server.output).toContain("<WEBHOOK_SECRET>");
    const saved = join(folder(), "heard.wav");
    const argv = ["call", "--server", `${localUrl(server.output)}/wavix/inbound/not-for-logs`];
    argv.push(
      "--api-port",
      `${apiPort}`,
      "--speak-after",
      "700",
      "--listen",
      "500",
      "--save",
      saved,
      "--json",
      ...shortSpeech(),
    );
    const { code, stdout, stderr } = await command(argv);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, hungUp: true, endedBy: "caller" });
    expect(code).toBe(0);
    expect(existsSync(saved)).toBe(true);
    expect(readWavFile(saved).samples.length).toBeGreaterThan(24_000 * 2);
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    expect(server.output).toContain("call ended");
    expect(server.output).not.toMatch(/not-for-logs|\+1202555|\/ws\/[\w.-]{20}/);
  }, 40_000);

  it("write a trace, and play it back, also when it was cut off", async () => {
    const apiPort = await freePort();
    const env = { WAVIX_API_BASE: `http://127.0.0.1:${apiPort}` };
    const server = await start(["--trace", "traces"], env);
    const place = ["--server", localUrl(server.output), "--api-port", `${apiPort}`, "--json"];
    const brief = ["--speak-after", "0", "--listen", "500", ...shortSpeech()];
    const { packetsIn } = JSON.parse((await command(["call", ...place, ...brief])).stdout);
    const traces = join(folder(), "traces");
    const [file] = readdirSync(traces).map((name) => join(traces, name)) as [string];
    await said(server, "call ended");

    const replayed = await command(["replay", file, ...place, "--save", "heard.wav"]);
    expect(replayed.stderr).toBe("");
    const figures = JSON.parse(replayed.stdout);
    expect(figures).toMatchObject({ ok: true, problems: [], traced: { packetsIn, hungUp: false, closedBy: "wavix" } });
    expect(figures.replayed).toMatchObject({ packetsIn, messagesIn: packetsIn + 3, closedBy: "wavix", others: 0 });
    expect(Math.abs(figures.replayed.packetsOut - figures.traced.packetsOut)).toBeLessThan(25);
    expect(readWavFile(join(folder(), "heard.wav")).samples.some((sample) => sample > 3_000)).toBe(true);

    const whole = readFileSync(file);
    writeFileSync(join(folder(), "crash.jsonl"), whole.subarray(0, whole.indexOf("media") + 15_050));
    const crash = await command(["replay", "crash.jsonl", ...place.slice(0, -1), "--speed", "2"]);
    expect(crash.stdout).toContain("cut off at its end");
    expect(crash.stdout).toMatch(/hung up +by the caller/);
    expect(crash.code).toBe(0);
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    expect(readdirSync(traces)).toHaveLength(3);
  }, 40_000);

  it("end a running call when the server is told to stop twice", async () => {
    const apiPort = await freePort();
    const server = await start([], { WAVIX_API_BASE: `http://127.0.0.1:${apiPort}` });
    const calling = command(["call", "--server", localUrl(server.output), "--api-port", `${apiPort}`, "--json"]);
    await said(server, "call streaming");
    server.child.kill("SIGINT");
    await said(server, "stopping: 1 call");
    server.child.kill("SIGINT");
    expect(await server.exit).toBe(0);
    expect(JSON.parse((await calling).stdout)).toMatchObject({ endedBy: "rest", hungUp: true });
  }, 40_000);

  it("write their records to the end, and go although the bot's module holds on to the process", async () => {
    const apiPort = await freePort();
    const bot = join(folder(), "bot.mjs");
    writeFileSync(bot, `setInterval(() => {}, 1_000);\nexport default () => { throw new Error("broken"); };`);
    const env = { WAVIX_API_BASE: `http://127.0.0.1:${apiPort}`, CDR: "calls.jsonl", DRAIN_SECONDS: "0" };
    const server = await start(["--bot", bot, "--fallback-bot", "echo"], env);
    const calling = command(["call", "--server", localUrl(server.output), "--api-port", `${apiPort}`, "--json"]);
    await said(server, "bot failed");
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    expect(JSON.parse((await calling).stdout)).toMatchObject({ endedBy: "rest", hungUp: true });
    const [record, ...others] = readFileSync(join(folder(), "calls.jsonl"), "utf8").trimEnd().split("\n");
    expect(JSON.parse(record as string)).toMatchObject({ endedBy: "server", reason: "drain" });
    expect(others).toEqual([]);
  }, 40_000);

  it("show the benchmark page in local mode, and in public when told to", async () => {
    const statusOf = async (output: string) => (await fetch(`${localUrl(output)}/bench`)).status;
    const local = await start([]);
    expect(local.output).toContain(`Benchmarks     ${localUrl(local.output)}/bench\n`);
    expect(await statusOf(local.output)).toBe(200);
    const real = { WAVIX_API_KEY: "a-key-for-tests", PUBLIC_URL: "https://bot.example.com", HOST: "127.0.0.1" };
    const silent = await start([], real);
    expect(silent.output).not.toContain("/bench");
    expect(await statusOf(silent.output)).toBe(404);
    const told = await start(["--bench-page"], real);
    expect(told.output).toContain("/bench\n");
    expect(await statusOf(told.output)).toBe(200);
  }, 30_000);

  it("say all that is wrong with the settings at once", async () => {
    const { code, stderr } = await command(["start"], {
      PORT: "http",
      WAVIX_API_KEY: "secret-key\n",
      MAX_CALLS: "0",
      LOG_LEVEL: "loud",
    });
    expect(code).toBe(2);
    for (const name of ["PORT", "MAX_CALLS", "LOG_LEVEL", "PUBLIC_URL"]) expect(stderr).toContain(name);
    expect(stderr).not.toContain("secret-key");
    expect(stderr).not.toContain("    at ");
  });

  it("say what to do when a port is taken or no server is there", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const taken = await command(["start", "--port", `${port}`]);
    expect(taken.stderr).toBe(`pipecat-wavix start: port ${port} on 127.0.0.1 is in use; choose another with --port\n`);
    expect(taken.code).toBe(1);
    const takenApi = await command(["call", "--api-port", `${port}`]);
    expect(takenApi.stderr).toMatch(/choose another with --api-port\n$/);
    await new Promise((resolve) => blocker.close(resolve));
    const nobody = await command(["call", "--server", `http://127.0.0.1:${port}`, "--api-port", "0"]);
    expect(nobody.stderr).toMatch(/no server at http:\/\/127.0.0.1:\d+ \(ECONNREFUSED\); start one with: npm start\n$/);
    expect(nobody.code).toBe(1);
  }, 30_000);
});
