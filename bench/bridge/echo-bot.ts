import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { AudioFrameWriter, readFrame } from "../../src/pipecat/wire/index.ts";
import { concat } from "../../src/web/bench/signals.ts";
import { importCodec } from "../peers/codec.ts";

export const BOT_RATE = 16_000;
export const SPEECH_RATE = 24_000;
/** Pipecat writes 40 ms of audio at once unless it is told otherwise (1.14.0, `audio_out_10ms_chunks`). */
export const BOT_FRAME_PACKETS = 2;

/** A bot that says what it hears, in frames as Pipecat's are; its URL. What it costs is not counted. */
export async function serveEchoBot(): Promise<string> {
  const { loadCodecSync } = await importCodec();
  const codec = loadCodecSync();
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket) => {
    const up = codec.createResampler(BOT_RATE, SPEECH_RATE);
    const writer = new AudioFrameWriter(SPEECH_RATE);
    let heard: Int16Array[] = [];
    socket.on("message", (data) => {
      const frame = readFrame(data as Buffer);
      if (frame.kind !== "audio") return;
      heard.push(up.process(frame.audio));
      if (heard.length < BOT_FRAME_PACKETS) return;
      socket.send(writer.write(concat(heard)));
      heard = [];
    });
    socket.on("error", () => {});
    socket.on("close", () => up.close());
  });
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
