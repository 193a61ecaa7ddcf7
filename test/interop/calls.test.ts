import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import { pipecatBot, twilioCallsRouter } from "../../src/bots/pipecat/index.ts";
import type { Bot } from "../../src/call/index.ts";
import { decodeMuLaw, defaultCodec, encodeMuLaw } from "../../src/codec/index.ts";
import type { CallReport } from "../../src/simulator/index.ts";
import { CALLED, CALLER, it, type SimulatorServer, type TestOptions } from "../support/open-server.ts";
import { expectSameSamples, sine } from "../support/signals.ts";
import { type BotProcess, startBot } from "./bot-process.ts";
import type { EnvironmentName, Python } from "./environments.ts";
import { describeWith } from "./suite.ts";

const TWILIO = { TWILIO_ACCOUNT_SID: "AC1", TWILIO_AUTH_TOKEN: "secret-of-the-bot" };
/** What the caller speaks in; no bot has it. */
const CALLER_HERTZ = 1_000;
const speech = sine(CALLER_HERTZ, 24_000, 2 * 24_000, -10);

/** A bot that runs, and how it is spoken with. */
interface Kind {
  readonly environment: EnvironmentName;
  readonly protocol: "pipecat" | "twilio";
  readonly script: string;
  readonly args?: readonly string[];
}

const EXAMPLE = "examples/pipecat-bot";
const STOCK = { protocol: "twilio", script: "test/interop/bots/stock_twilio_bot.py", args: ["-t", "twilio"] } as const;
const ECHOES: Kind[] = [
  { environment: "current", protocol: "pipecat", script: `${EXAMPLE}/bot.py` },
  { environment: "old", protocol: "pipecat", script: `${EXAMPLE}/older_bot.py` },
  { environment: "current", ...STOCK },
  { environment: "old", ...STOCK },
  { environment: "original", ...STOCK },
];

const pathOf = { pipecat: "/ws-client", twilio: "/ws" };
const sampleRateOf = { pipecat: 16_000, twilio: 8_000 };

/** A bot for the tests of a suite. */
function running(python: Python, { script, args = [] }: Omit<Kind, "environment" | "protocol">, env = {}) {
  const suite = {} as { bot: BotProcess };
  beforeAll(async () => {
    suite.bot = await startBot(python, script, { args: [...args], env: { ...TWILIO, ...env } });
  });
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.log(suite.bot.output().slice(-6_000));
  });
  afterAll(() => suite.bot?.stop());
  return suite;
}

type Open = (options?: TestOptions) => Promise<SimulatorServer>;

function serve(open: Open, bot: BotProcess, { protocol }: Pick<Kind, "protocol">, options: TestOptions = {}) {
  const bridge = pipecatBot({ url: bot.url(pathOf[protocol]), protocol, dtmf: protocol === "twilio" });
  return open({ bot: bridge, sampleRate: sampleRateOf[protocol], playoutDelayMs: 160, ...options });
}

/** How strong a tone is in what the caller heard, packet by packet of 20 ms: its amplitude, of 32767. */
function levels({ recording }: CallReport, hertz: number): number[] {
  const { heard, sampleRate } = recording!;
  const length = sampleRate / 50;
  return Array.from({ length: Math.floor(heard.length / length) }, (_, packet) => {
    let [re, im] = [0, 0];
    for (let i = packet * length; i < (packet + 1) * length; i++) {
      const angle = (2 * Math.PI * hertz * i) / sampleRate;
      re += heard[i]! * Math.cos(angle);
      im += heard[i]! * Math.sin(angle);
    }
    return (2 * Math.hypot(re, im)) / length;
  });
}

/** When a tone is heard, in ms: from the first to behind the last packet of it. */
function heardFrom(report: CallReport, hertz: number, loud = 1_500): [number, number] {
  const strong = levels(report, hertz).map((level) => level > loud);
  return [strong.indexOf(true) * 20, (strong.lastIndexOf(true) + 1) * 20];
}

for (const kind of ECHOES) {
  describeWith(kind.environment, (python) => {
    const suite = running(python, kind);
    const name = `${kind.protocol}, ${kind.script.split("/").at(-1)}`;

    it(`${name}: is heard, hears its caller, and knows when it is gone`, async ({ open }) => {
      const { placeCall, log } = await serve(open, suite.bot, kind);
      const speakAfterMs = kind.protocol === "twilio" ? 5_000 : 1_500;
      const call = placeCall({ callerAudio: speech, speakAfterMs, hangUpAfterMs: speakAfterMs + 2_500 });
      const report = await call.ended;
      // The greeting, whole, and what the caller said, whole.
      const [greetedAtMs, greetedToMs] = heardFrom(report, 600);
      expect(greetedAtMs).toBeLessThan(1_500);
      expect(greetedToMs - greetedAtMs).toBeGreaterThan(kind.protocol === "twilio" ? 3_900 : 479);
      const [echoedAtMs, echoedToMs] = heardFrom(report, CALLER_HERTZ);
      expect(echoedAtMs).toBeGreaterThanOrEqual(speakAfterMs);
      expect(echoedAtMs).toBeLessThan(speakAfterMs + 1_000);
      expect(echoedToMs - echoedAtMs).toBeGreaterThan(1_500);
      expect(report).toMatchObject({ endedBy: "caller", received: { offSizePackets: 0, invalidMessages: 0 } });
      expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "caller", packetsDropped: 0 });
      await expect.poll(suite.bot.output, { timeout: 5_000 }).toMatch(/CancelFrame|Client disconnected/);
      // Pipecat's own debug log has them, unless it is told not to, as the examples do.
      if (kind.protocol === "pipecat") {
        for (const number of [CALLER, CALLED]) expect(suite.bot.output()).not.toContain(number);
      }
    });

    it(`${name}: is silent within 100 ms when its caller interrupts, and stays so`, { retry: 2 }, async ({ open }) => {
      const { placeCall, log } = await serve(open, suite.bot, kind);
      // The stock bot greets for four seconds; the others play a long tone for key 1, which is pressed every 1.6 s.
      const speakAfterMs = kind.protocol === "twilio" ? 1_500 : 2_200;
      const call = placeCall({
        callerAudio: speech.subarray(0, 24_000),
        ...(kind.protocol === "twilio" ? {} : { digits: "1", behaviour: { digitsAfterMs: 1_500 } }),
        speakAfterMs,
        hangUpAfterMs: speakAfterMs + 800,
      });
      const report = await call.ended;
      const bots = kind.protocol === "twilio" ? 600 : 400;
      const [fromMs, toMs] = heardFrom(report, bots, 500);
      expect(fromMs).toBeLessThan(speakAfterMs);
      // Three packets of speech tell the examples that their caller speaks, and one the stock bot.
      const noticedAtMs = speakAfterMs + (kind.protocol === "twilio" ? 20 : 60);
      expect(toMs).toBeGreaterThanOrEqual(noticedAtMs - 20);
      expect(toMs - noticedAtMs).toBeLessThanOrEqual(100);
      const [echoedAtMs] = heardFrom(report, CALLER_HERTZ);
      expect(echoedAtMs).toBeGreaterThan(speakAfterMs);
      expect(await log.line("call ended", call.id)).toMatchObject({ interruptions: 1 });
    });

    it(`${name}: ends the call, when what it said has been heard`, async ({ open }) => {
      const { placeCall, log } = await serve(open, suite.bot, kind);
      const digitsAfterMs = kind.protocol === "twilio" ? 5_000 : 1_500;
      const call = placeCall({ digits: "#", behaviour: { digitsAfterMs } });
      const report = await call.ended;
      const [goodbyeAtMs, goodbyeToMs] = heardFrom(report, 300);
      expect(goodbyeToMs - goodbyeAtMs).toBeGreaterThanOrEqual(480);
      expect(report.hungUpOverRest).toBe(true);
      expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
      // Not the two seconds of silence behind it.
      const lengthMs = (report.recording!.heard.length * 1_000) / report.recording!.sampleRate;
      expect(lengthMs - goodbyeToMs).toBeLessThan(1_900);
    });

    it(`${name}: that is killed leaves its call to another`, async ({ open }) => {
      const doomed = await startBot(python, kind.script, { args: [...(kind.args ?? [])], env: TWILIO });
      try {
        const { placeCall, log } = await serve(open, doomed, kind, { fallbackBot: echoBot({ greetingMs: 300 }) });
        const call = placeCall({ hangUpAfterMs: 3_000 });
        await log.line("call streaming", call.id);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await doomed.kill();
        const report = await call.ended;
        expect(report.endedBy).toBe("caller");
        const { error } = await log.line("bot failed", call.id);
        expect(error).toMatchObject({ code: "BOT_GONE" });
        // The tone of the echo, which has the call now.
        const [tookOverAtMs, to] = heardFrom(report, 440);
        expect(tookOverAtMs).toBeGreaterThan(900);
        expect(to - tookOverAtMs).toBeGreaterThan(250);
      } finally {
        await doomed.stop();
      }
    });
  });
}

for (const environment of ["current", "old", "original"] as const) {
  describeWith(environment, (python) => {
    const folder = mkdtempSync(join(tmpdir(), "heard-"));
    const HEARD = join(folder, "heard.raw");
    afterAll(() => rmSync(folder, { recursive: true }));
    const suite = running(python, { script: "test/interop/bots/recording_bot.py" }, { HEARD });

    for (const protocol of ["pipecat", "twilio"] as const) {
      it(`${protocol}: hears every sample`, async ({ open }) => {
        rmSync(HEARD, { force: true });
        const { placeCall } = await serve(open, suite.bot, { protocol });
        await placeCall({ callerAudio: speech, hangUpAfterMs: 1_500 }).ended;
        const bytes = readFileSync(HEARD);
        const heard = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
        const rate = sampleRateOf[protocol];
        const resampler = defaultCodec().createResampler(24_000, rate);
        const atRate = resampler.process(speech);
        resampler.close();
        const said = protocol === "twilio" ? decodeMuLaw(encodeMuLaw(atRate)) : atRate;
        const length = Math.min(heard.length, said.length);
        expect(length).toBeGreaterThan(rate);
        expectSameSamples(heard.subarray(0, length), said.subarray(0, length));
      });
    }
  });
}

describeWith("current", (python) => {
  it("twilio, hang_up_twilio_bot.py: hangs up over the REST side of this server", async ({ open }) => {
    let bot: Bot = () => undefined;
    const authToken = TWILIO.TWILIO_AUTH_TOKEN;
    const { urls, placeCall, log } = await open({
      bot: (call) => bot(call),
      sampleRate: 8_000,
      routes(server) {
        server.app.use(twilioCallsRouter({ hangUp: (callId) => server.hangUp(callId), authToken }));
      },
    });
    const script = "test/interop/bots/hang_up_twilio_bot.py";
    const env = { ...TWILIO, TWILIO_API_BASE: urls.local };
    const process = await startBot(python, script, { args: ["-t", "twilio"], env });
    try {
      bot = pipecatBot({ url: process.url("/ws"), protocol: "twilio", dtmf: true });
      const call = placeCall({ digits: "#", behaviour: { digitsAfterMs: 500 } });
      const report = await call.ended;
      expect(report.hungUpOverRest).toBe(true);
      const [goodbyeAtMs, goodbyeToMs] = heardFrom(report, 300);
      expect(goodbyeToMs - goodbyeAtMs).toBeGreaterThanOrEqual(480);
      expect(await log.line("call ended", call.id)).toMatchObject({ endedBy: "bot", reason: "hang-up" });
      await expect.poll(process.output).toContain("Successfully terminated Twilio call");
    } finally {
      await bot.close?.();
      await process.stop();
    }
  });
});
