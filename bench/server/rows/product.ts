import type { Bot, Call } from "../../../src/call/index.ts";
import { noise } from "../../../src/web/bench/signals.ts";
import { shipped } from "../../shipped.ts";

/** Audio comes in pieces of this length from a speech service, and early: so much of it is kept waiting. */
const PIECE_MS = 500;
const KEPT_MS = 1_000;

/** Where the calls that are up can be found, and whether the bots of the next ones keep silent. */
export interface Stage {
  readonly calls: Set<Call>;
  silent: boolean;
}

/**
 * The server as it is started in local mode with `--open-ws`: its socket path is the one of every call, and only the
 * set-up, which no packet pays for, is left out.
 */
export async function product(bot: "echo" | "speech", sampleRate: number, stage: Stage): Promise<number> {
  const { createServer } = (await shipped("server/index.js")) as typeof import("../../../src/server/index.ts");
  const { echoBot } = (await shipped("bots/index.js")) as typeof import("../../../src/bots/index.ts");
  const talk = bot === "echo" ? echoBot({ greetingMs: 0 }) : await speechBot(sampleRate);
  const server = createServer({
    port: 0,
    openWs: true,
    sampleRate,
    maxCalls: 10_000,
    maxCallsPerSecond: 0, // all calls come at once, from one address
    maxLoopDelayMs: 0,
    addressRequestsPerSecond: 0,
    logLevel: "silent",
    bot: async (call) => {
      stage.calls.add(call);
      void call.closed.then(() => stage.calls.delete(call));
      if (stage.silent) call.onFrame(() => {});
      else await talk(call);
      await call.closed;
    },
  });
  return Number(new URL((await server.listen()).local).port);
}

/** Speaks without end, and hears the caller out of politeness. */
async function speechBot(sampleRate: number): Promise<Bot> {
  const { InputAudioRawFrame, OutputAudioRawFrame } = (await shipped(
    "index.js",
  )) as typeof import("../../../src/index.ts");
  const piece = new OutputAudioRawFrame({ audio: speech(sampleRate), sampleRate, numChannels: 1 });
  return async (call) => {
    call.onFrame((frame) => {
      if (!(frame instanceof InputAudioRawFrame)) return;
      if (call.unheardMs < KEPT_MS) void call.send(piece);
    });
    await call.closed;
  };
}

/** A piece of the bot's speech; the same again and again. */
export const speech = (sampleRate: number) => noise((PIECE_MS * sampleRate) / 1_000);

/** Has each call say so much at once that a second of it must wait, and says how many calls did. */
export async function queueOneSecond(calls: ReadonlySet<Call>, sampleRate: number): Promise<number> {
  const { OutputAudioRawFrame } = (await shipped("index.js")) as typeof import("../../../src/index.ts");
  const audio = noise(sampleRate).subarray();
  const [second, ahead] = [audio, audio.subarray(0, sampleRate / 5)].map((samples) => {
    return new OutputAudioRawFrame({ audio: samples, sampleRate, numChannels: 1 });
  });
  for (const call of calls) {
    void call.send(ahead!);
    void call.send(second!);
  }
  return calls.size;
}
