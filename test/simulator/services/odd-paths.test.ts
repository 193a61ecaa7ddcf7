import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { createCartesiaStandIn, createDeepgramStandIn } from "../../../src/simulator/services/index.ts";

describe("the stand-ins of services", () => {
  it.each([
    ["Deepgram", createDeepgramStandIn],
    ["Cartesia", createCartesiaStandIn],
  ])("%s turns a path away that is none", async (_, create) => {
    await using standIn = await create();
    for (const path of ["//", "http://", "*"]) {
      const line = connect(Number(new URL(standIn.url).port), "127.0.0.1");
      line.write(`GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
      line.write("Authorization: Token any\r\nSec-WebSocket-Version: 13\r\n");
      line.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
      const [answer] = await once(line, "data");
      expect(String(answer)).toMatch(/^HTTP\/1\.1 40[04] /);
      line.destroy();
    }
  });
});
