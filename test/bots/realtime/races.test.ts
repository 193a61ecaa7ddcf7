import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { OutputAudioRawFrame, type Tool } from "../../../src/pipecat/index.ts";
import { activeResources, expectNothingLeft } from "../../support/leaks.ts";
import { type PuppetCall, type PuppetSession, puppetCall } from "./realtime-puppet.ts";
import { until } from "./realtime-scene.ts";

const ONE = { value: 1_000, ms: 400 };

describe("a session of the speech-to-speech bot that is lost", () => {
  it("while the caller still hears a whole answer: it was whole", async () => {
    await using scene = await puppetCall();
    const first = await scene.session(0);
    first.begin("r1");
    first.item("r1", "i1");
    first.speak(
      "r1",
      "i1",
      { value: 1_000, ms: 500 },
      "This is a whole sentence with many words that are spoken fast.",
    );
    first.spoken("r1", "i1");
    first.done("r1");
    await first.read();
    first.socket.terminate();
    const second = await scene.session(1);
    await scene.events.first(({ type }) => type === "bot");
    expect(scene.texts()).toEqual(["bot: This is a whole sentence with many words that are spoken fast."]);
    const items = second.of("conversation.item.create").map(({ item }) => item);
    expect(items).toMatchObject([
      { content: [{ text: "This is a whole sentence with many words that are spoken fast." }] },
    ]);
  });

  it("and whose answer is then interrupted: the next one knows what was heard", async () => {
    await using scene = await puppetCall();
    const first = await scene.session(0);
    first.begin("r1");
    first.item("r1", "i1");
    first.speak(
      "r1",
      "i1",
      { value: 1_000, ms: 3_000 },
      "One two three four five six seven eight nine ten eleven twelve.",
    );
    first.spoken("r1", "i1");
    first.done("r1");
    await first.read();
    first.socket.terminate();
    const second = await scene.session(1);
    await until(() => scene.peer.heardMs(1_000) > 800);
    second.callerStarts();
    const cut = await scene.events.first(({ type }) => type === "bot");
    expect(cut).toMatchObject({ interrupted: true });
    const { text } = cut as { text: string };
    expect(text.length).toBeLessThan(45);
    await second.read();
    // What stands of it in the session, in the end.
    const said = new Map<unknown, unknown>();
    for (const message of second.received.all) {
      if (message.type === "conversation.item.create") {
        const item = message.item as { id?: unknown; content: { text: string }[] };
        said.set(item.id, item.content[0]?.text);
      } else if (message.type === "conversation.item.delete") said.delete(message.item_id);
    }
    expect([...said.values()]).toEqual([text]);
  });

  it("while the caller speaks: the caller is asked again", async () => {
    await using scene = await puppetCall({ apologies: { again: "Once more?" } });
    const first = await scene.session(0);
    first.callerStarts();
    await first.read();
    first.socket.terminate();
    const second = await scene.session(1);
    const ask = await second.message("response.create");
    expect(JSON.stringify(ask)).toContain("Once more?");
  });

  it("when the answer had begun without a sound: the caller's turn is answered", async () => {
    await using scene = await puppetCall();
    const first = await scene.session(0);
    first.callerStarts();
    first.callerStops("u1", "What time is it?");
    first.begin("r1");
    first.item("r1", "i1");
    await first.read();
    first.socket.terminate();
    const second = await scene.session(1);
    const ask = await second.message("response.create");
    expect((ask.response as { instructions?: string }).instructions).toBeUndefined();
  });

  it("while a tool runs that goes on: it is not called twice, and its result is told", async () => {
    let finish: (() => void) | undefined;
    const order: Tool = {
      name: "order",
      description: "Orders.",
      parameters: { type: "object" },
      cancelOnInterruption: false,
      run: () =>
        new Promise((resolve) => {
          finish = () => resolve("ordered");
        }),
    };
    await using scene = await puppetCall({ tools: [order] });
    const first = await scene.session(0);
    first.callerStarts();
    first.callerStops("u1", "Order it.");
    first.begin("r1");
    first.call("r1", "order", "c1");
    first.done("r1");
    await until(() => finish !== undefined);
    first.socket.terminate();
    const second = await scene.session(1);
    await sleep(50);
    expect(second.of("response.create")).toEqual([]);
    finish?.();
    await second.message("response.create");
    const texts = second.of("conversation.item.create").map((event) => JSON.stringify(event));
    expect(texts.at(-1)).toContain("ordered");
  });

  it("by a close frame whose socket stays open: nothing of the caller's audio is lost", async () => {
    await using scene = await puppetCall();
    const first = await scene.session(0);
    first.socket.pause();
    // A close frame, and nothing behind it: the server does not end the connection.
    (first.socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(
      Buffer.from([0x88, 0x02, 0x03, 0xf3]),
    );
    await sleep(50);
    for (let packet = 0; packet < 10; packet++) {
      scene.peer.media(new Int16Array(480).fill(packet));
      await sleep(5);
    }
    const second = await scene.session(1);
    await until(() => second.audioMs >= 200);
    expect(second.audioMs).toBe(200);
  });

  it.each(["server_error", "internal_error", "rate_limit_exceeded"])(
    "before it is set up, by a passing %s: another is tried",
    async (code) => {
      let count = 0;
      await using scene = await puppetCall({
        onSession: (session) => {
          if (count++ > 0) return;
          session.socket.removeAllListeners("message");
          session.say({
            type: "error",
            error: {
              type: code === "server_error" ? code : "server_error",
              code: code === "server_error" ? null : code,
            },
          });
        },
      });
      await until(() => scene.sessionCount > 1);
      await scene.session(1);
      expect(scene.events.all).toMatchObject([{ type: "trouble", fatal: false }]);
    },
  );
});

describe("an answer of the speech-to-speech bot", () => {
  it.each(["completed", "incomplete"])("that is %s without a sound is told, not left in silence", async (status) => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    session.callerStarts();
    session.callerStops("u1", "Hello?");
    session.begin("r1");
    session.done("r1", status);
    const trouble = await scene.events.first(({ type }) => type === "trouble");
    expect(trouble).toMatchObject({ fatal: false });
    await until(() => scene.peer.heardSamples.size > 5);
  });

  it("into which a tool puts a sound is known to its end all the same", async () => {
    let ring: (() => unknown) | undefined;
    const bell: Tool = {
      name: "bell",
      description: "Rings.",
      parameters: { type: "object" },
      cancelOnInterruption: false,
      respondAfter: false,
      run: (_, { pushFrame }) =>
        new Promise((resolve) => {
          const sound = new OutputAudioRawFrame({ audio: new Int16Array(2_400).fill(3_000), sampleRate: 24_000 });
          ring = () => Promise.resolve(pushFrame(sound)).then(resolve);
        }),
    };
    await using scene = await puppetCall({ tools: [bell] });
    const session = await scene.session(0);
    session.begin("r1");
    session.call("r1", "bell", "c1");
    session.done("r1");
    await until(() => ring !== undefined);
    session.callerStarts();
    session.callerStops("u1", "And?");
    session.begin("r2");
    session.speak("r2", "i2", { value: 1_000, ms: 300 }, "One two three ");
    await session.read();
    ring?.();
    session.speak("r2", "i2", { value: 1_000, ms: 300 }, "four five six.");
    session.spoken("r2", "i2");
    session.done("r2");
    await scene.events.first(({ type }) => type === "bot");
    expect(scene.texts().at(-1)).toBe("bot: One two three four five six.");
    expect(scene.peer.heardMs(1_000)).toBeGreaterThan(560);
    await until(() => scene.peer.heardMs(3_000) > 90);
    session.callerStarts();
    await session.read();
    expect(session.of("conversation.item.truncate")).toEqual([]);
  });

  it("that only ever calls functions is asked for in words at last", async () => {
    const look: Tool = { name: "look", description: "Looks.", parameters: { type: "object" }, run: () => "more" };
    await using scene = await puppetCall({ tools: [look] });
    const session = await scene.session(0);
    session.callerStarts();
    session.callerStops("u1", "Look.");
    for (let round = 0; round < 5; round++) {
      session.begin(`r${round}`, round === 0 ? undefined : round);
      session.call(`r${round}`, "look", `c${round}`);
      session.done(`r${round}`);
      await until(() => session.of("response.create").length > round);
    }
    const choices = session
      .of("response.create")
      .map(({ response }) => (response as { tool_choice?: string }).tool_choice);
    expect(choices).toEqual([undefined, undefined, undefined, undefined, "none"]);
  });

  it("that hangs up without a goodbye does not", async () => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    session.callerStarts();
    session.callerStops("u1", "Bye.");
    session.begin("r1");
    session.call("r1", "end_call", "c1");
    session.done("r1");
    await session.message("response.create");
    expect(JSON.stringify(session.of("conversation.item.create"))).toContain("no goodbye");
    expect(scene.transport.ending).toBe(false);
  });

  it("may be cancelled by the caller in any tick: nothing of it is heard later, and all that it was is told", async () => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    for (let turn = 1; turn <= 8; turn++) {
      session.begin(`r${turn}`);
      session.item(`r${turn}`, `i${turn}`);
      session.speak(`r${turn}`, `i${turn}`, { value: turn * 100, ms: 60 }, `Turn ${turn}.`);
      if (turn % 2 === 0) session.spoken(`r${turn}`, `i${turn}`);
      if (turn % 4 === 0) session.done(`r${turn}`);
      await session.read();
      // Around the very end of its audio.
      await sleep(10 * turn);
      session.callerStarts();
      session.callerStarts();
      session.speak(`r${turn}`, `i${turn}`, { value: turn * 100 + 1, ms: 60 }, "Late.");
      if (turn % 4 !== 0) session.done(`r${turn}`, "cancelled");
      session.callerStops(`u${turn}`, "Go on.");
    }
    await session.read();
    await sleep(100);
    for (let turn = 1; turn <= 8; turn++) expect(scene.peer.heardMs(turn * 100 + 1)).toBe(0);
    expect(scene.texts().join(" ")).not.toContain("Late");
    expect(scene.events.all.filter(({ type }) => type === "trouble")).toEqual([]);
    expect(session.of("response.cancel")).toEqual([]);
  });

  it("that breaks off: of its text as much as there was sound", async () => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    session.begin("r1");
    session.item("r1", "i1");
    session.speak(
      "r1",
      "i1",
      { value: 1_000, ms: 300 },
      "One two three four five six seven eight nine ten eleven twelve.",
    );
    session.done("r1", "failed");
    const said = await scene.events.first(({ type }) => type === "bot");
    expect(said).toMatchObject({ interrupted: true });
    expect((said as { text: string }).text.length).toBeLessThan(10);
  });

  it("that was asked for before the caller spoke, and begins when the caller has: it is not wanted", async () => {
    await using scene = await puppetCall({ greeting: "Hello!" });
    const session = await scene.session(0);
    await session.message("response.create");
    session.callerStarts();
    session.callerStops("u1", "Hi.");
    session.begin("r1", 1);
    session.item("r1", "i1");
    session.speak("r1", "i1", ONE, "Hello!");
    await session.message("response.cancel");
    session.done("r1", "cancelled");
    session.begin("r2");
    session.item("r2", "i2");
    session.speak("r2", "i2", { value: 2_000, ms: 400 }, "What can I do?");
    session.spoken("r2", "i2");
    session.done("r2");
    await scene.events.first(({ type }) => type === "bot");
    expect(scene.texts().at(-1)).toBe("bot: What can I do?");
    expect(scene.peer.heardMs(1_000)).toBe(0);
  });

  it("in pieces of odd length: its samples stay whole", async () => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    const whole = new Uint8Array(new Int16Array(24 * 600).fill(0x0102).buffer);
    session.begin("r1");
    session.item("r1", "i1");
    session.speak("r1", "i1", whole.slice(0, 9_601), "Odd.");
    session.speak("r1", "i1", whole.slice(9_601, 9_602));
    session.speak("r1", "i1", whole.slice(9_602, 9_605));
    session.speak("r1", "i1", whole.slice(9_605, -1));
    session.spoken("r1", "i1");
    // Half a sample is missing at its end.
    session.item("r1", "i2");
    session.speak("r1", "i2", whole, "Even.");
    session.spoken("r1", "i2");
    session.done("r1");
    await until(() => scene.texts().length === 2);
    expect(scene.peer.heardMs(0x0102)).toBeCloseTo(1_200, 0);
    expect([...scene.peer.heardSamples.keys()].filter((value) => value !== 0 && value !== 0x0102)).toEqual([]);
  });

  it("that is too long: the model remembers what was heard of it", async () => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    session.begin("r1");
    session.item("r1", "i1");
    session.speak("r1", "i1", { value: 1_000, ms: 20_000 }, "One two three.");
    for (let part = 0; part < 9; part++) session.speak("r1", "i1", { value: 1_000, ms: 20_000 });
    await session.message("response.cancel");
    session.speak("r1", "i1", { value: 1_000, ms: 20_000 });
    session.done("r1", "cancelled");
    await session.read();
    expect(scene.bot.counters).toMatchObject({ realtime_answers_too_long: 1 });
    expect(session.of("conversation.item.delete")).toEqual([]);
    session.callerStarts();
    expect(await session.message("conversation.item.truncate")).toMatchObject({ item_id: "i1" });
    expect(session.of("conversation.item.delete")).toEqual([]);
  });

  it("of several items, interrupted in the first: the others are forgotten", async () => {
    await using scene = await puppetCall();
    const session = await scene.session(0);
    session.begin("r1");
    for (const [index, itemId] of ["i1", "i2", "i3"].entries()) {
      session.item("r1", itemId);
      session.speak("r1", itemId, { value: 1_000 * (index + 1), ms: 800 }, `This is item ${index}.`);
      session.spoken("r1", itemId);
    }
    await until(() => scene.peer.heardMs(1_000) > 300);
    session.callerStarts();
    session.speak("r1", "i3", { value: 4_000, ms: 400 });
    session.done("r1", "cancelled");
    session.callerStarts();
    await session.message("conversation.item.delete");
    await session.read();
    await sleep(300);
    expect(session.of("conversation.item.truncate")).toMatchObject([{ item_id: "i1" }]);
    expect(
      session
        .of("conversation.item.delete")
        .map(({ item_id }) => item_id)
        .sort(),
    ).toEqual(["i2", "i3"]);
    expect([2_000, 3_000, 4_000].map((value) => scene.peer.heardMs(value))).toEqual([0, 0, 0]);
    expect(scene.events.all.filter(({ type }) => type === "interruption")).toHaveLength(1);
    for (const code of ["invalid_value", "item_truncate_invalid_item_id", "of_the_future"]) {
      session.say({ type: "error", error: { type: "invalid_request_error", code } });
    }
    await session.read();
    expect(scene.transport.ending).toBe(false);
  });
});

describe("a call that is over", () => {
  const look: Tool = {
    name: "look",
    description: "Looks.",
    parameters: { type: "object" },
    run: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)),
  };
  const moments: Record<string, (session: PuppetSession, scene: PuppetCall) => unknown> = {
    "before anything was said": () => {},
    "in mid-answer": async (session, { peer }) => {
      session.begin("r1");
      session.speak("r1", "i1", { value: 1_000, ms: 3_000 }, "A long answer.");
      await until(() => peer.heardMs(1_000) > 100);
    },
    "while an answer is due": (session) => session.callerStops("u1", "Hello?"),
    "while a tool runs": async (session) => {
      session.begin("r1");
      session.call("r1", "look", "c1");
      session.done("r1");
      await session.read();
    },
    "in mid-answer, with its session lost": async (session, { peer }) => {
      session.begin("r1");
      session.speak("r1", "i1", { value: 1_000, ms: 3_000 }, "A long answer.");
      await until(() => peer.heardMs(1_000) > 100);
      session.socket.terminate();
    },
    "while the next session is refused": async (session) => {
      session.socket.terminate();
      await sleep(30);
    },
    "after the last words": async (session, { over }) => {
      session.begin("r1");
      session.speak("r1", "i1", { value: 1_000, ms: 600 }, "An answer.");
      session.say({ type: "error", error: { type: "invalid_request_error", code: "insufficient_quota" } });
      await over;
    },
  };

  it.each(Object.entries(moments))("%s leaves nothing behind", async (_, come) => {
    const before = activeResources();
    {
      await using scene = await puppetCall({ tools: [look], greeting: "Hello!", answerTimeoutMs: 60_000 });
      const session = await scene.session(0);
      await come(session, scene);
      scene.transport.callOver();
      await scene.over;
      await until(() => session.socket.readyState === 3);
    }
    await expectNothingLeft(before);
  });
});
