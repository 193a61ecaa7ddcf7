import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { speexResamplerPeer } from "../../peers/speex-resampler.ts";
import { PACKET_SAMPLES, WIRE_RATE } from "../messages.ts";

const BOT_RATE = 16_000;

/**
 * What one writes without this package: `JSON.parse`, `Buffer` for base64, npm speex-resampler (quality 7) to 16 kHz and
 * back, `JSON.stringify`, and a timer for each call that sends a packet every 20 ms.
 */
export async function usual(): Promise<number> {
  const speex = await speexResamplerPeer();
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", async (socket) => {
    const queue: Buffer[] = [];
    let streamId: string | undefined;
    let rest = Buffer.alloc(0);
    const down = await speex.open({ inputRate: WIRE_RATE, outputRate: BOT_RATE });
    const up = await speex.open({ inputRate: BOT_RATE, outputRate: WIRE_RATE });
    const none = new Int16Array(0);
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString());
      streamId ??= message.stream_id;
      if (message.event !== "media") return;
      const bytes = Buffer.from(message.media.payload, "base64");
      const heard = down.process(new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), none);
      const said = up.process(heard, none);
      rest = Buffer.concat([rest, Buffer.from(said.buffer, said.byteOffset, said.byteLength)]);
      for (; rest.length >= 2 * PACKET_SAMPLES; rest = rest.subarray(2 * PACKET_SAMPLES)) {
        queue.push(rest.subarray(0, 2 * PACKET_SAMPLES));
      }
    });
    const timer = setInterval(() => {
      const packet = queue.shift();
      if (packet === undefined) return;
      const media = { payload: packet.toString("base64") };
      socket.send(JSON.stringify({ event: "media", stream_id: streamId, media }));
    }, 20);
    socket.on("close", () => clearInterval(timer));
    socket.on("error", () => {});
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
