import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import type { Bot } from "../../../src/call/index.ts";
import { type FaultScene, faultScene, openCall, stopWhenHungUp, streamingCall } from "../../support/fault-scene.ts";
import type { LogLine } from "../../support/log-capture.ts";
import { MediaClient } from "../../support/media-client.ts";
import type { StubOperation, StubReply } from "../../support/rest-stub.ts";

const TIMEOUT_MS = 800;

/** What Wavix does with a request, and the code of the error that comes of it. */
const replies = {
  "400": [400, "validation"],
  "401": [401, "unauthorized"],
  "403": [403, "forbidden"],
  "404": [404, "not-found"],
  "429": [429, "rate-limited"],
  "500": [500, "server-error"],
  "503": [503, "server-error"],
  page: [(response: ServerResponse) => void response.end("<html>"), "bad-response"],
  redirect: [(response: ServerResponse) => void response.writeHead(302, { location: "/" }).end(), "bad-response"],
  reset: [(response: ServerResponse) => void response.socket?.resetAndDestroy(), "network"],
  silence: [() => {}, "timeout"],
  // Late, but in time.
  slow: [(_response: ServerResponse, yes: () => void) => void setTimeout(yes, TIMEOUT_MS / 4), undefined],
} satisfies Record<string, [StubReply, string | undefined]>;
type Reply = keyof typeof replies;
const all = Object.entries(replies).map(([reply, [stub, code]]) => ({ reply: reply as Reply, stub, code }));
/** What each step meets; the answer, which money hangs on, meets all. */
const usual = all.filter(({ reply }) => ["401", "404", "429", "500", "reset", "silence", "slow"].includes(reply));

/** A POST is repeated only where it was certainly not carried out. */
const triesOfPost = (reply: Reply) => (["429", "503"].includes(reply) ? 3 : 1);
/** GET and DELETE do the same twice as once; a silent Wavix is asked twice, so that all of it has an end. */
const triesOfOther = (reply: Reply) => (reply === "reset" ? 3 : reply === "silence" ? 2 : triesOfPost(reply));

/** What a step comes to. */
interface Outcome {
  tries: number;
  hangUps: number;
  /** The call's last line in the log. */
  reason: string;
}

interface Step {
  name: string;
  operation: StubOperation;
  /** Takes a call up to this step, over it, and to its end. */
  take(scene: FaultScene, callId: string): Promise<LogLine>;
  outcome(reply: Reply): Outcome;
}

/** A call that nobody talks in: its caller hangs up when it is answered. */
const answered: Step["take"] = async ({ announce, log }, callId) => {
  await announce(callId);
  await Promise.race([log.line("call answered", callId), log.line("call ended", callId)]);
  await announce(callId, { event_type: "completed" });
  return await log.line("call ended", callId);
};
/** Wavix said no: there is nothing to hang up. Of anything else nobody knows what became of it. */
const refused = (reply: Reply) => ["401", "403", "404", "429"].includes(reply);

const verification: Step = {
  name: "the verification",
  operation: "getCall",
  take: answered,
  outcome: (reply) => ({
    tries: triesOfOther(reply),
    hangUps: 0,
    reason: reply === "slow" ? "completed" : "unverified",
  }),
};
const answer: Step = {
  name: "the answer",
  operation: "answer",
  take: answered,
  outcome: (reply) => ({
    tries: triesOfPost(reply),
    hangUps: refused(reply) || reply === "slow" ? 0 : 1,
    reason: reply === "slow" ? "completed" : "answer-failed",
  }),
};
const start: Step = {
  name: "the start of the stream",
  operation: "startStream",
  take: answered,
  outcome: (reply) => ({
    tries: triesOfPost(reply),
    hangUps: reply === "slow" ? 0 : 1,
    reason: reply === "slow" ? "completed" : "stream-failed",
  }),
};
const hangUp: Step = {
  name: "the hang-up",
  operation: "hangUp",
  async take(scene, callId) {
    const client = await openCall(scene, callId);
    client.start(callId);
    // Wavix does not say `stop` either.
    expect(await client.closed).toBe(1000);
    return await scene.log.line("call ended", callId);
  },
  outcome: (reply) => ({ tries: triesOfOther(reply), hangUps: triesOfOther(reply), reason: "bot-ended" }),
};
const inCall = (operation: "collect" | "play"): Step => ({
  name: `\`${operation}\``,
  operation,
  async take(scene, callId) {
    const client = await openCall(scene, callId);
    client.start(callId);
    await stopWhenHungUp(scene, callId, client);
    return await scene.log.line("call ended", callId);
  },
  outcome: (reply) => ({
    tries: triesOfPost(reply),
    hangUps: 1,
    reason: reply === "slow" ? "bot-ended" : "bot-failed",
  }),
});

/** Asks for what the call's id names, and ends. */
const asking: Bot = async ({ callId = "", control, closed }) => {
  if (callId.startsWith("collect")) await control?.collect?.({ maxDigits: 1 });
  else if (callId.startsWith("play")) await control?.play?.({ audioFile: "https://example.com/a.wav" });
  else if (!callId.startsWith("hangUp")) await closed;
};

/** A call that is over at Wavix already is no failure of the hang-up. */
const codeOf = ({ operation }: Step, reply: Reply, code: string | undefined) =>
  operation === "hangUp" && reply === "404" ? undefined : code;

function matrix(step: Step, scene: () => FaultScene): void {
  describe.concurrent(`${step.name} meets`, () => {
    it.for(step === answer ? all : usual)("$reply", async ({ reply, stub, code }, { expect }) => {
      const callId = `${step.operation}-${reply}`;
      const { rest } = scene();
      rest.reply(step.operation, stub, callId);
      const { reason, error } = await step.take(scene(), callId);
      const tries = rest.count(step.operation, callId);
      expect({ tries, hangUps: rest.count("hangUp", callId), reason }).toEqual(step.outcome(reply));
      expect(error?.code).toBe(codeOf(step, reply, code));
      if (step.operation !== "hangUp") expect(error ?? {}).not.toHaveProperty("stack");
    });
  });
}

describe("Wavix's REST side fails one call, and no other, where it is answered and streamed in one request:", () => {
  const scene = faultScene({ bot: asking, restTimeoutMs: TIMEOUT_MS, concurrent: true });
  for (const step of [answer, hangUp, inCall("collect"), inCall("play")]) matrix(step, scene);
});

describe("… and where it is verified, answered and then streamed:", () => {
  const then = { answer: "then-stream", verifyCalls: true } as const;
  const scene = faultScene({ bot: asking, restTimeoutMs: TIMEOUT_MS, concurrent: true, ...then });
  for (const step of [verification, answer, start]) matrix(step, scene);
});

describe("… and where there is no room for the call, so that it is hung up at the door:", () => {
  const scene = faultScene({ restTimeoutMs: TIMEOUT_MS, concurrent: true, maxCalls: 4, whenFull: "hang-up" });

  it.concurrent.for(usual)("$reply", async ({ reply, stub, code }, { expect }) => {
    const { rest, log, announce } = scene();
    const callId = `hangUp-${reply}`;
    rest.reply("hangUp", stub, callId);
    expect((await announce(callId)).body).toEqual({ accepted: false, reason: "capacity" });
    await expect.poll(() => rest.count("hangUp", callId), { timeout: 8_000 }).toBe(triesOfOther(reply));
    await expect.poll(() => rest.unanswered, { timeout: 8_000 }).toBe(0);
    const failure = () => log.lines.find((line) => line.msg === "hang-up failed" && line.callId === callId)?.code;
    await expect.poll(failure, { timeout: 8_000 }).toBe(codeOf(hangUp, reply, code));
  });
});

describe("Wavix's REST side is gone altogether", () => {
  const scene = faultScene({ bot: asking, restTimeoutMs: 5_000 });
  const network = { error: { code: "network", message: expect.stringContaining("ECONNREFUSED") } };

  it("before the answer", async () => {
    const { rest, announce, log } = scene();
    await rest.down();
    await announce("answer-1");
    expect(await log.line("call ended", "answer-1")).toMatchObject({ reason: "answer-failed", ...network });
    expect(log.count("hang-up failed: the call may still be up at Wavix")).toBe(1);
    await rest.up();
    const client = await streamingCall(scene(), "answer-2");
    await announce("answer-2", { event_type: "completed" });
    await client.stop();
  });

  it("when a bot ends, collects or plays", async () => {
    const { rest, announce, log } = scene();
    const calls = ["hangUp-1", "collect-1", "play-1"];
    for (const callId of calls) await announce(callId);
    const urls = await Promise.all(calls.map((callId) => rest.streamUrl(callId)));
    for (const callId of calls) await log.line("call answered", callId);
    await rest.down();
    const ends = calls.map(async (callId, i) => {
      const client = await MediaClient.open(urls[i] as string);
      client.start(callId);
      expect(await client.closed).toBe(1000);
      const reason = callId === "hangUp-1" ? "bot-ended" : "bot-failed";
      expect(await log.line("call ended", callId)).toMatchObject({ endedBy: "bot", reason, ...network });
    });
    await Promise.all(ends);
    await rest.up();
  });
});

describe("what is asked of Wavix", () => {
  const scene = faultScene({
    answer: "then-stream",
    restTimeoutMs: 60_000,
    bot: async ({ control, closed }) => {
      // Nobody waits for what becomes of these.
      void control?.collect?.({ maxDigits: 1 });
      void control?.play?.({ audioFile: "https://example.com/a.wav" });
      await closed;
    },
  });

  it.for([401, 404, 500])("by a bot takes nobody down when it comes to nothing: %s", async (status) => {
    const { rest, announce } = scene();
    const callId = `call-${status}`;
    for (const operation of ["collect", "play"] as const) rest.reply(operation, status, callId);
    const client = await streamingCall(scene(), callId);
    for (const operation of ["collect", "play"] as const) await rest.seen(operation, callId);
    await announce(callId, { event_type: "completed" });
    await client.stop();
  });

  it("by a bot is given up with the call", async () => {
    const { rest, announce, log } = scene();
    for (const operation of ["collect", "play"] as const) rest.reply(operation, () => {}, "call-1");
    const client = await streamingCall(scene(), "call-1");
    for (const operation of ["collect", "play"] as const) await rest.seen(operation, "call-1");
    await announce("call-1", { event_type: "completed" });
    await client.stop();
    await log.line("call ended", "call-1");
    await expect.poll(() => rest.unanswered).toBe(0);
  });

  it("for a stream that is there has been done, whatever became of the reply", async () => {
    const { rest, log, announce } = scene();
    const held = new Promise<ServerResponse>((resolve) => rest.reply("startStream", resolve, "call-2"));
    const client = await streamingCall(scene(), "call-2");
    (await held).socket?.resetAndDestroy();
    expect(await log.line("request failed, but the stream is there", "call-2")).toMatchObject({ level: 40 });
    expect(client.socket.readyState).toBe(1);
    await announce("call-2", { event_type: "completed" });
    await client.stop();
    expect(await log.line("call ended", "call-2")).toMatchObject({ endedBy: "caller", reason: "completed" });
    expect(rest.count("hangUp", "call-2")).toBe(0);
  });
});
