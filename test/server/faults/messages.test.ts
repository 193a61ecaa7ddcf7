import { isUtf8 } from "node:buffer";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Bot } from "../../../src/call/index.ts";
import { faultScene, streamingCall } from "../../support/fault-scene.ts";
import type { MediaClient } from "../../support/media-client.ts";
import { MessageMutator, Random } from "../../support/message-mutator.ts";

/** Longer ones close the socket. */
const MAX_MESSAGE_LENGTH = 65_536;
const MESSAGES = 10_000;
const CALLS = 4;

/** Reads all that comes and sends it back. */
const parrot: Bot = async (call) => {
  for await (const frame of call.frames()) void call.send(frame);
};

interface Sent {
  texts: number;
  binaries: number;
  /** Media without a sample: nothing to be lost, and nothing to be counted. */
  empties: number;
}

function parse(text: string): { event?: unknown; media?: { payload?: unknown } } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

describe("10,000 random and malformed messages on live calls", () => {
  const scene = faultScene({ bot: parrot, maxMessagesPerSecond: 0 });

  it("end none of them, and each is accounted for", async () => {
    const seed = randomInt(2 ** 31);
    const random = new Random(seed);
    const mutator = new MessageMutator(random);
    const ids = Array.from({ length: CALLS }, (_, i) => `call-${i}`);
    const clients = await Promise.all(ids.map((callId) => streamingCall(scene(), callId)));
    const sent = clients.map((): Sent => ({ texts: 0, binaries: 0, empties: 0 }));
    for (let i = 0; i < MESSAGES; ) {
      const to = random.below(CALLS);
      const counts = sent[to] as Sent;
      let bytes = Buffer.from(mutator.next());
      const binary = !isUtf8(bytes);
      if (!binary) {
        // Where there is one track alone, what the numbers say is believed.
        const text = to % 2 === 0 ? bytes.toString() : bytes.toString().replaceAll(/out(b|\\u0062)ound/g, "inbound");
        const message = parse(text);
        // One that rightly ends its call.
        if (message?.event === "stop") continue;
        if (message?.event === "media" && message.media?.payload === "") counts.empties++;
        bytes = Buffer.from(text);
      }
      if (bytes.length > MAX_MESSAGE_LENGTH) continue;
      // What is no text goes out as what it is: said to be text, it would close the socket.
      clients[to]?.socket.send(bytes, { binary });
      counts[binary ? "binaries" : "texts"]++;
      if (++i % 50 === 0) await turn();
    }
    const lines = await Promise.all(
      ids.map(async (callId, i) => {
        const client = clients[i] as MediaClient;
        expect([callId, client.socket.readyState]).toEqual([callId, 1]);
        // It is still heard.
        client.media();
        client.socket.ping();
        await once(client.socket, "pong");
        await scene().announce(callId, { event_type: "completed" });
        await client.stop();
        return await scene().log.line("call ended", callId);
      }),
    );
    for (const [i, line] of lines.entries()) {
      const { texts, binaries, empties } = sent[i] as Sent;
      const count = (name: string) => line[name] as number;
      const what = `seed ${seed}, ${ids[i]}`;
      expect(line, what).toMatchObject({ reason: "completed", binaryMessages: binaries, discontinuities: 0 });
      const dropped = Object.values(line.drops ?? {}).reduce((sum, count) => sum + count, 0);
      const accounted = dropped + count("packetsIn") + count("packetsLate") + count("packetsDuplicated");
      expect(texts + 1 - accounted, what).toBeGreaterThanOrEqual(0);
      expect(texts + 1 - accounted, what).toBeLessThanOrEqual(empties);
    }
  });
});
