import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Completion } from "../../../src/bots/voice/services/openai/completion.ts";

type Delta = { index?: number; id?: string; function?: { name?: string; arguments?: string } };

function callsOf(deltas: readonly Delta[]): { id: string; name: string; arguments: string }[] {
  const completion = new Completion();
  for (const delta of deltas) completion.add({ choices: [{ delta: { tool_calls: [delta] } }] });
  return completion.toolCalls.map(({ id, function: { name, arguments: args } }) => ({ id, name, arguments: args }));
}

const CALLS = [
  { id: "a", name: "take", arguments: '{"x":1}' },
  { id: "b", name: "give", arguments: '{"y":2}' },
];

describe("calls of functions, put together from their deltas", () => {
  // What servers that only look like OpenAI make of `index`: it is left out, or is 0 for every call.
  it.each<[string, (at: number) => { index?: number }]>([
    ["with an index", (index) => ({ index })],
    ["without", () => ({})],
    ["with the same for all", () => ({ index: 0 })],
  ])("%s", (_, place) => {
    const cuts = fc.array(fc.nat(7), { maxLength: 4 });
    fc.assert(
      fc.property(fc.tuple(cuts, cuts), fc.boolean(), (cutsOf, repeatsId) => {
        const deltas = CALLS.flatMap(({ id, name, arguments: args }, at) => {
          const edges = [0, ...(cutsOf[at] as number[]).sort((a, b) => a - b), args.length];
          return edges.slice(1).map((end, piece): Delta => {
            const part = { arguments: args.slice(edges[piece], end) };
            if (piece === 0) return { ...place(at), id, function: { name, ...part } };
            return { ...place(at), ...(repeatsId ? { id } : {}), function: part };
          });
        });
        expect(callsOf(deltas)).toEqual(CALLS);
      }),
    );
  });

  it("have names that OpenAI takes back in the next request, whatever a model made up", () => {
    const names = ["multi_tool_use.parallel", "look up", "", "x".repeat(80), "opening_hours-2"];
    const calls = callsOf(
      names.map((name, index) => ({ index, id: `c${index}`, function: { name, arguments: "{}" } })),
    );
    for (const { name } of calls) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(calls.at(-1)?.name).toBe("opening_hours-2");
  });

  it("whatever comes, there are not too many, and none is lost without an error", () => {
    const junk = fc.record({ index: fc.anything(), id: fc.anything(), function: fc.anything() }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 100 }), (deltas) => {
        const completion = new Completion();
        try {
          for (const delta of deltas) completion.add({ choices: [{ delta: { tool_calls: [delta] } }] });
        } catch (error) {
          expect(error).toMatchObject({ code: "TOO_LONG" });
        }
        expect(completion.toolCalls.length).toBeLessThanOrEqual(64);
        expect(new Set(completion.toolCalls.map(({ id }) => id)).size).toBe(completion.toolCalls.length);
      }),
    );
  });
});
