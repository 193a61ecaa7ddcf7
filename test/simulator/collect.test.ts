import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Collected, Collection, type CollectSpec } from "../../src/simulator/collection.ts";
import { type Behaviour, createWavixSimulator, defaultBehaviour } from "../../src/simulator/index.ts";
import { checkKeyPresses, Fingers, type KeyPress } from "../../src/simulator/key-presses.ts";
import { answer, openTinyServer, request } from "./tiny-server.ts";
import { schemaErrors } from "./wavix-schemas.ts";

const opened: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Ended extends Collected {
  atMs: number;
}

/** What becomes of a collection that gets these keys, under a clock that jumps. */
function collect(spec: CollectSpec, presses: readonly KeyPress[], keysAtTimeout: Behaviour["keysAtTimeout"]): Ended[] {
  vi.useFakeTimers();
  const startMs = performance.now();
  const ends: Ended[] = [];
  const collection = new Collection(spec, { ...defaultBehaviour, keysAtTimeout }, (collected) =>
    ends.push({ ...collected, atMs: Math.round(performance.now() - startMs) }),
  );
  new Fingers(checkKeyPresses(presses), (key) => collection.press(key)).begin(startMs);
  vi.advanceTimersByTime(1_000_000);
  vi.useRealTimers();
  return ends;
}

/** The same, by the book: key by key, then the clock. */
function expected(spec: CollectSpec, presses: readonly KeyPress[], keysAtTimeout: Behaviour["keysAtTimeout"]): Ended {
  const { timeout = 10, max_attempts = 1, max_digits = 20, termination_character } = spec;
  let digits = "";
  for (const { atMs, key } of [...presses].sort((a, b) => a.atMs - b.atMs)) {
    // The end of the attempt in which there was a first key, which is then the last attempt.
    const first = Math.min(...presses.map((press) => press.atMs));
    const lastMs = Math.min(Math.floor(first / (timeout * 1_000)) + 1, max_attempts) * timeout * 1_000;
    if (atMs > lastMs) break;
    if (key === termination_character) return { status: "completed", digits, atMs };
    digits += key;
    if (digits.length === max_digits) return { status: "completed", digits, atMs };
  }
  const first = presses.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...presses.map((press) => press.atMs));
  const attempts = digits === "" ? max_attempts : Math.floor(first / (timeout * 1_000)) + 1;
  const status = digits !== "" && keysAtTimeout === "complete" ? "completed" : "failed";
  return { status, digits, atMs: attempts * timeout * 1_000 };
}

describe("a collection", () => {
  it("ends once: by its number of keys, its last key, or its time", () => {
    const spec = fc.record(
      {
        max_digits: fc.integer({ min: 1, max: 5 }),
        timeout: fc.integer({ min: 1, max: 3 }),
        termination_character: fc.constantFrom("#", "1"),
        max_attempts: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: [] },
    );
    // Never at the very moment that a time is up: who comes first then is chance.
    const press = fc.record({
      atMs: fc.integer({ min: 1, max: 12_000 }).filter((atMs) => atMs % 1_000 !== 0),
      key: fc.constantFrom("1", "2", "#"),
    });
    const presses = fc.uniqueArray(press, { maxLength: 8, selector: ({ atMs }) => atMs });
    fc.assert(
      fc.property(spec, presses, fc.constantFrom("complete", "fail"), (spec, presses, keysAtTimeout) => {
        expect(collect(spec, presses, keysAtTimeout)).toEqual([expected(spec, presses, keysAtTimeout)]);
      }),
    );
  });

  it("that was dropped tells nothing", () => {
    vi.useFakeTimers();
    const onEnd = vi.fn();
    const collection = new Collection({ max_digits: 1 }, defaultBehaviour, onEnd);
    collection.drop();
    collection.press("1");
    collection.complete();
    vi.advanceTimersByTime(100_000);
    expect(onEnd).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A call on the line that is asked for keys, and what its webhooks say of them. */
async function place(behaviour: Partial<Behaviour>, keys: KeyPress[], digits = "") {
  const server = await openTinyServer();
  const simulator = await createWavixSimulator({ behaviour });
  opened.push(server, simulator);
  const call = simulator.placeCall({ webhookUrl: server.webhookUrl, keys, digits });
  await answer(simulator, call.id, server.streamUrl);
  await call.streaming;
  const told = () =>
    server.events.flatMap(({ event_type, event_payload }) => {
      const { payload } = (event_payload ?? {}) as { payload?: Collected };
      return event_type === "on_call_event" ? [`${payload?.status} ${payload?.digits}`] : [];
    });
  const collect = async (spec: CollectSpec) =>
    (await request(simulator, "POST", `/v1/calls/${call.id}/collect`, spec)).status;
  return { server, simulator, call, told, collect };
}

describe("/collect", () => {
  it("gets the keys that are pressed meanwhile, and none of the others", async () => {
    // The first is pressed as the stream begins: before anybody can have asked.
    const { server, told, collect } = await place({}, [
      { atMs: 500, key: "4" },
      { atMs: 520, key: "2" },
      { atMs: 540, key: "9" },
      { atMs: 0, key: "7" },
    ]);
    expect(await collect({ max_digits: 2, timeout: 10 })).toBe(200);
    await expect.poll(told).toEqual(["started ", "completed 42"]);
    for (const event of server.events) expect(schemaErrors("Call", event)).toBeNull();
  });

  it("fails without a key, and may be asked again", async () => {
    const { told, collect } = await place({}, []);
    expect(await collect({ timeout: 1 })).toBe(200);
    await expect.poll(told, { timeout: 3_000 }).toEqual(["started ", "failed "]);
    expect(await collect({ timeout: 1 })).toBe(200);
    await expect.poll(told, { timeout: 3_000 }).toHaveLength(4);
  });

  it("takes the place of one that is going on", async () => {
    const { told, collect } = await place({ digitsAfterMs: 100 }, [], "12");
    await collect({ max_digits: 2 });
    expect(await collect({ max_digits: 1 })).toBe(200);
    await expect.poll(told).toEqual(["started ", "started ", "completed 1"]);
  });

  it("is refused while one is going on, where that is so", async () => {
    const { told, collect } = await place({ secondCollect: "refuse", digitsAfterMs: 100 }, [], "12");
    await collect({ max_digits: 2 });
    expect(await collect({ max_digits: 1 })).toBe(400);
    await expect.poll(told).toEqual(["started ", "completed 12"]);
    expect(await collect({ max_digits: 1 })).toBe(200);
  });
});
