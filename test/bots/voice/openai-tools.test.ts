import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { endCallTool } from "../../../src/bots/conversation/tools/index.ts";
import {
  EndWhenHeardFrame,
  type LLMMessage,
  type Tool,
  type ToolRun,
  TTSSpeakFrame,
} from "../../../src/pipecat/index.ts";
import { llmScene, shapeOf } from "./llm-scene.ts";

const answer = ["LLMFullResponseStartFrame", "LLMTextFrame", "LLMFullResponseEndFrame"];
const wordless = ["LLMFullResponseStartFrame", "LLMFullResponseEndFrame"];

const toolOf = (name: string, run: Tool["run"], rest: Partial<Tool> = {}): Tool => ({
  name,
  description: `Does ${name}.`,
  parameters: { type: "object", properties: {} },
  run,
  ...rest,
});

/** Runs until its signal aborts, and shows what it was given. */
function lingering(name: string, rest: Partial<Tool> = {}) {
  const seen: { run?: ToolRun; finish?: (result: unknown) => void } = {};
  const tool = toolOf(
    name,
    (_, run) => {
      seen.run = run;
      return new Promise((resolve) => {
        seen.finish = resolve;
      });
    },
    rest,
  );
  return { tool, seen };
}

const toolMessages = (messages: readonly unknown[]) =>
  (messages as readonly LLMMessage[]).filter((message) => message.role === "tool");

describe("a tool", () => {
  it("is run with what the model gave, and the model goes on with its result", async () => {
    const run = vi.fn(async () => ({ degrees: 7 }));
    const replies = [{ text: "One moment.", toolCalls: [{ name: "weather", arguments: { city: "Oslo" } }] }, "Seven."];
    await using scene = await llmScene(replies, { tools: [toolOf("weather", run)] });
    scene.ask("How warm is it in Oslo?");
    await scene.answers(2);
    expect(run).toHaveBeenCalledExactlyOnceWith({ city: "Oslo" }, expect.anything());
    expect(shapeOf(scene.frames)).toEqual([...answer, ...answer]);
    expect(scene.text()).toBe("One moment.Seven.");
    const asked = {
      role: "assistant",
      tool_calls: [{ id: "call_0_0", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
    };
    const result = { role: "tool", tool_call_id: "call_0_0", content: '{"degrees":7}' };
    const question = { role: "user", content: "How warm is it in Oslo?" };
    // The model is shown what it said; the context is not told, since nobody may have heard it.
    expect(scene.openai.requests[1]?.messages).toEqual([question, { ...asked, content: "One moment." }, result]);
    expect(scene.context.messages).toEqual([question, { ...asked, content: null }, result]);
    expect(scene.openai.requests[0]?.tools).toEqual([
      {
        type: "function",
        function: { name: "weather", description: "Does weather.", parameters: { type: "object", properties: {} } },
      },
    ]);
    expect([scene.openai.problems, scene.errors]).toEqual([[], []]);
  });

  it("runs beside others, and each result stands with its call", async () => {
    const [first, second] = [lingering("first"), lingering("second")];
    const toolCalls = [{ name: "first" }, { name: "second" }, { name: "first", id: "again" }];
    await using scene = await llmScene([{ toolCalls }, "Done."], {
      tools: [toolOf("first", async (_, run) => ("run" in first.seen ? 3 : first.tool.run({}, run))), second.tool],
    });
    scene.ask("Do it all");
    await vi.waitFor(() => expect(second.seen.finish).toBeDefined());
    second.seen.finish?.(2);
    first.seen.finish?.(1);
    await scene.answers(2);
    expect(
      toolMessages(scene.openai.requests[1]?.messages ?? []).map(({ tool_call_id: id, content }) => [id, content]),
    ).toEqual([
      ["call_0_0", "1"],
      ["call_0_1", "2"],
      ["again", "3"],
    ]);
  });

  it.each<[string, Partial<Tool> & Pick<Tool, "run">, object, RegExp]>([
    [
      "malformed arguments",
      { run: () => 1 },
      { arguments: '{"city":' },
      /^{"error":"the arguments are not JSON, call it/,
    ],
    ["arguments that are no object", { run: () => 1 }, { arguments: "[1]" }, /must be a JSON object/],
    ["an unknown name", { run: () => 1 }, { name: "other" }, /^{"error":"there is no function \\"other\\""}$/],
    [
      "a function that throws",
      { run: () => Promise.reject(new Error("no such city")) },
      {},
      /^{"error":"no such city"}$/,
    ],
    [
      "one that throws at once",
      {
        run: () => {
          throw "nothing";
        },
      },
      {},
      /^{"error":"nothing"}$/,
    ],
    ["one that is too slow", { run: () => new Promise(() => {}), timeoutMs: 20 }, {}, /not finished within 20 ms/],
    ["a result that is no JSON", { run: () => 1n }, {}, /cannot be written as JSON/],
    ["no result", { run: () => undefined }, {}, /^{"status":"done"}$/],
    ["no arguments", { run: (args) => args }, { arguments: "" }, /^{}$/],
    ["a result that is too long", { run: () => "a".repeat(9_000) }, {}, /^"a{7999}… \(cut: 9002 characters\)$/],
  ])("tells the model of %s", async (_, { run, ...rest }, call, content) => {
    const replies = [{ toolCalls: [{ name: "weather", ...call }] }, "Well."];
    await using scene = await llmScene(replies, { tools: [toolOf("weather", run, rest)] });
    scene.ask("How warm is it?");
    await scene.answers(2);
    expect(toolMessages(scene.openai.requests[1]?.messages ?? [])[0]?.content).toMatch(content);
    expect([scene.openai.problems, scene.errors]).toEqual([[], []]);
  });

  it("is told when its time is up, and not listened to any longer", async () => {
    const { tool, seen } = lingering("slow", { timeoutMs: 20 });
    await using scene = await llmScene([{ toolCalls: [{ name: "slow" }] }, "Sorry."], { tools: [tool] });
    scene.ask("Go");
    await scene.answers(2);
    expect(seen.run?.signal.aborted).toBe(true);
    const before = scene.frames.length;
    await seen.run?.pushFrame(new TTSSpeakFrame({ text: "late" }));
    expect(scene.frames).toHaveLength(before);
    expect(scene.llm.counters.tool_timeouts).toBe(1);
  });

  it("is given up by an interruption, and the next turn finds the context in order", async () => {
    const { tool, seen } = lingering("slow");
    const quick = toolOf("quick", () => 1);
    const toolCalls = [{ name: "slow" }, { name: "quick" }];
    await using scene = await llmScene([{ text: "Wait.", toolCalls }, "Yes?"], { tools: [tool, quick] });
    scene.ask("Go");
    await vi.waitFor(() => expect(seen.run).toBeDefined());
    await new Promise((resolve) => setImmediate(resolve));
    scene.interrupt();
    // In the same tick: whoever interrupts may have asked already.
    scene.ask("No, wait");
    expect(seen.run?.signal.aborted).toBe(true);
    await scene.answers(2);
    expect(scene.context.messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "Go"],
      ["assistant", null],
      ["tool", '{"error":"cancelled: the caller interrupted"}'],
      ["tool", "1"],
      ["user", "No, wait"],
    ]);
    expect([scene.text(), scene.openai.problems, scene.errors]).toEqual(["Wait.Yes?", [], []]);
    expect(scene.llm.counters).toMatchObject({ tool_cancellations: 1, aborted: 1 });
  });

  it("goes on over an interruption if it is one that must not be cancelled", async () => {
    const { tool, seen } = lingering("book", { cancelOnInterruption: false });
    await using scene = await llmScene([{ toolCalls: [{ name: "book" }] }, "Yes?", "It is."], { tools: [tool] });
    scene.ask("Book it");
    await vi.waitFor(() => expect(seen.run).toBeDefined());
    scene.interrupt();
    scene.ask("Hello?");
    await scene.answers(2);
    expect(seen.run?.signal.aborted).toBe(false);
    expect(toolMessages(scene.openai.requests[1]?.messages ?? [])[0]?.content).toMatch(/still running/);
    await seen.run?.pushFrame(new TTSSpeakFrame({ text: "Booked." }));
    expect(scene.frames.at(-1)).toBeInstanceOf(TTSSpeakFrame);
    seen.finish?.({ table: 4 });
    const told = { role: "system", content: 'The function book has finished meanwhile: {"table":4}' };
    // The model is told of it, and says so.
    await scene.answers(3);
    expect(scene.openai.requests[2]?.messages.at(-1)).toEqual(told);
    expect([scene.text(), scene.openai.problems]).toEqual(["Yes?It is.", []]);
  });

  it.each([
    ["has failed", {}, new Error("full")],
    ["needs no word", { respondAfter: false }, { table: 4 }],
  ])("is not talked of out of the blue when it went on over an interruption and %s", async (_, options, result) => {
    const { tool, seen } = lingering("book", { cancelOnInterruption: false, ...options });
    await using scene = await llmScene([{ toolCalls: [{ name: "book" }] }, "Yes?", "No!"], { tools: [tool] });
    scene.ask("Book it");
    await vi.waitFor(() => expect(seen.run).toBeDefined());
    scene.interrupt();
    seen.finish?.(result instanceof Error ? Promise.reject(result) : result);
    await vi.waitFor(() => expect(scene.context.messages.at(-1)?.content).toMatch(/has finished meanwhile/));
    scene.ask("Hello?");
    await scene.answers(2);
    expect([scene.openai.requests.length, scene.text()]).toEqual([2, "Yes?"]);
  });

  it("ends with the call", async () => {
    const { tool, seen } = lingering("book", { cancelOnInterruption: false });
    await using scene = await llmScene([{ toolCalls: [{ name: "book" }] }], { tools: [tool] });
    scene.ask("Book it");
    await vi.waitFor(() => expect(seen.run).toBeDefined());
    scene.cancel();
    expect(seen.run?.signal.aborted).toBe(true);
  });

  it("is not run for an answer that may not be wanted", async () => {
    const run = vi.fn(() => 1);
    const decisions: ((isWanted: boolean) => void)[] = [];
    const userMessage = { role: "user", content: "Book it" } as const;
    const speculation = () => ({
      userMessage,
      confirmed: new Promise<boolean>((resolve) => decisions.push(resolve)),
    });
    const reply = { text: "Wait.", toolCalls: [{ name: "book" }] };
    await using scene = await llmScene([reply, reply, "Done."], { tools: [toolOf("book", run)] });
    for (const index of [0, 1]) {
      scene.ask(undefined, speculation());
      await (await scene.openai.request(index)).ended;
      expect([run.mock.calls.length, scene.frames]).toEqual([0, []]);
      if (index === 1) scene.context.add(userMessage);
      decisions[index]?.(index === 1);
    }
    await scene.answers(2);
    expect([run.mock.calls.length, scene.text()]).toEqual([1, "Wait.Done."]);
    expect(scene.context.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
  });

  it("cannot be called for ever", async () => {
    const run = vi.fn(() => 1);
    const again = { toolCalls: [{ name: "again" }] };
    await using scene = await llmScene(({ body }) => (body.tool_choice === "none" ? "Enough." : again), {
      tools: [toolOf("again", run)],
    });
    scene.ask("Go");
    await scene.answers(6);
    expect([run.mock.calls.length, scene.text(), scene.errors]).toEqual([5, "Enough.", []]);

    await using deaf = await llmScene([again], { tools: [toolOf("again", run)] });
    deaf.ask("Go");
    await deaf.until(() => deaf.errors.length === 1);
    expect(deaf.errors[0]).toMatchObject({
      fatal: false,
      error: expect.stringMatching(/called 6 times without an answer/),
    });
    expect(deaf.openai.requests).toHaveLength(6);
  });

  it("gets the same arguments however their deltas are cut", async () => {
    const run = vi.fn((args: unknown) => args);
    await using scene = await llmScene(
      ({ messages }) => {
        const { role, content } = messages.at(-1) ?? {};
        return role === "tool" ? "Done." : { text: "Wait.", toolCalls: JSON.parse(String(content)) };
      },
      { tools: [toolOf("take", run), toolOf("give", run)] },
    );
    const call = fc
      .record({
        name: fc.constantFrom("take", "give"),
        args: fc.dictionary(fc.string(), fc.string({ unit: "grapheme" })),
      })
      .chain(({ name, args }) => {
        const json = JSON.stringify(args);
        return fc.array(fc.nat(json.length), { maxLength: 6 }).map((cuts) => {
          const at = [0, ...cuts.sort((a, b) => a - b), json.length];
          return { name, args, argumentPieces: at.slice(1).map((end, index) => json.slice(at[index], end)) };
        });
      });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 3 }), async (calls) => {
        run.mockClear();
        scene.frames.length = 0;
        scene.context.add({ role: "assistant", content: "…" });
        scene.ask(JSON.stringify(calls));
        await scene.answers(2);
        expect(run.mock.calls.map(([args]) => args)).toEqual(calls.map(({ args }) => args));
        expect(scene.text()).toBe("Wait.Done.");
      }),
      { numRuns: 30 },
    );
    expect(scene.openai.problems).toEqual([]);
  });

  it("is one of at most sixteen that run at once", async () => {
    const warned = vi.fn();
    process.on("warning", warned);
    const run = vi.fn(async () => 1);
    const toolCalls = Array.from({ length: 17 }, () => ({ name: "one" }));
    await using scene = await llmScene([{ toolCalls }, "Done."], { tools: [toolOf("one", run)] });
    scene.ask("Go");
    await scene.answers(2);
    process.off("warning", warned);
    expect([run.mock.calls.length, scene.llm.counters.tool_errors, warned.mock.calls]).toEqual([16, 1, []]);
    expect(toolMessages(scene.context.messages).at(-1)?.content).toMatch(/at most 16 calls at once/);
  });

  it("that is defined wrongly is an error that names it", async () => {
    await using scene = await llmScene(["Never."], { tools: [toolOf("two words", () => 1)] });
    scene.ask("Go");
    await scene.until(() => scene.errors.length === 1);
    expect(scene.errors[0]?.error).toMatch(/tools\[0\].name must be .* got "two words"/);
    expect(scene.openai.requests).toEqual([]);
  });
});

describe("the tool that ends the call", () => {
  it("does so behind the goodbye, and the model is not asked again", async () => {
    const replies = [{ text: "Goodbye!", toolCalls: [{ name: "end_call" }] }, "Yes?"];
    await using scene = await llmScene(replies, { tools: [endCallTool()] });
    scene.ask("That was all");
    scene.ask("Wait!");
    await scene.answers(2);
    expect(shapeOf(scene.frames)).toEqual([...answer, "EndWhenHeardFrame", ...answer]);
    expect(scene.text()).toBe("Goodbye!Yes?");
    expect([scene.openai.requests.length, scene.openai.problems]).toEqual([2, []]);
  });

  it("says the goodbye that the model put into the call alone", async () => {
    const toolCalls = [{ name: "end_call", arguments: { goodbye: "See you." } }];
    await using scene = await llmScene([{ toolCalls }], { tools: [endCallTool()] });
    scene.ask("Bye");
    await scene.until(() => scene.frames.some((frame) => frame instanceof EndWhenHeardFrame));
    expect(shapeOf(scene.frames)).toEqual([...wordless, "TTSSpeakFrame", "EndWhenHeardFrame"]);
    expect(scene.frames.at(-2)).toMatchObject({ text: "See you." });
  });

  it("hangs up on nobody without a goodbye", async () => {
    const replies = [{ toolCalls: [{ name: "end_call" }] }, { text: "Goodbye!", toolCalls: [{ name: "end_call" }] }];
    await using scene = await llmScene(replies, { tools: [endCallTool()] });
    scene.ask("That was all");
    await scene.until(() => scene.frames.some((frame) => frame instanceof EndWhenHeardFrame));
    expect(shapeOf(scene.frames)).toEqual([...wordless, ...answer, "EndWhenHeardFrame"]);
    const [refused] = toolMessages(scene.openai.requests[1]?.messages ?? []);
    expect(refused?.content).toMatch(/^{"error":"the caller has heard no goodbye/);
  });

  it("has the model asked again when it failed", async () => {
    const toolCalls = [{ name: "end_call", arguments: "{" }];
    await using scene = await llmScene([{ toolCalls }, "Are you still there?"], { tools: [endCallTool()] });
    scene.ask("Bye");
    await scene.answers(2);
    expect(shapeOf(scene.frames)).toEqual([...wordless, ...answer]);
  });
});
