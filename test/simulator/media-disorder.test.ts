import { describe, expect, it } from "vitest";
import { type Behaviour, defaultBehaviour } from "../../src/simulator/index.ts";
import { MediaDisorder } from "../../src/simulator/media-disorder.ts";

function sent(behaviour: Partial<Behaviour>, count = 8): string {
  const disorder = new MediaDisorder({ ...defaultBehaviour, ...behaviour });
  return Array.from({ length: count }, (_, i) => disorder.pass(`${i + 1}`).join("")).join("");
}

describe("media in disorder", () => {
  it.each([
    [{}, "12345678"],
    [{ losesEveryPacket: 3 }, "124578"],
    [{ repeatsEveryPacket: 4 }, "1234456788"],
    [{ swapsEveryPacket: 3 }, "12435768"],
    [{ losesEveryPacket: 4, swapsEveryPacket: 3 }, "123576"],
    [{ repeatsEveryPacket: 4, swapsEveryPacket: 3 }, "1244357688"],
    [{ swapsEveryPacket: 1 }, "21436587"],
  ] as const)("of %j sends %s of 12345678", (behaviour, expected) => {
    expect(sent(behaviour)).toBe(expected);
    expect(MediaDisorder.isIn({ ...defaultBehaviour, ...behaviour })).toBe(Object.keys(behaviour).length > 0);
  });
});
