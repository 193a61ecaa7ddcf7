import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { concat } from "../../src/web/bench/signals.ts";
import { importCodec } from "../peers/codec.ts";
import { speexResamplerPeer } from "../peers/speex-resampler.ts";
import { callerSamples, clientFrame, mediaMessage, OPENING, PACKET_SAMPLES, WIRE_RATE } from "./messages.ts";
import { botRate, type RowName } from "./rows/all.ts";
import { speech } from "./rows/product.ts";

const PACKETS = 25;
const PACKET_MS = 20;
const TIMEOUT_MS = 5_000;

/** Looks whether a row's server does what it is to be timed for: the samples that come back are the right ones. */
export async function assertCorrect(row: RowName, port: number): Promise<void> {
  if (row === "raw-tcp") await assertBytes(port);
  else {
    const expected = await expectedSamples(row);
    const heard = await talk(port, row, PACKETS - 1);
    const compared = Math.min(expected.length, heard.length);
    assert.ok(compared >= (PACKETS - 1) * 480, `${row}: only ${heard.length} samples came back`);
    // Not deepEqual: it would print them all.
    const wrong = expected.subarray(0, compared).findIndex((sample, i) => sample !== heard[i]);
    assert.equal(wrong, -1, `${row}: sample ${wrong} is ${heard[wrong]}, not ${expected[wrong]}`);
  }
}

async function assertBytes(port: number): Promise<void> {
  const sent = Buffer.concat(Array.from({ length: PACKETS }, (_, i) => clientFrame(mediaMessage(i))));
  const socket = connect(port, "127.0.0.1");
  socket.write(sent);
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of socket) {
    parts.push(part);
    length += part.length;
    if (length >= sent.length) break;
  }
  assert.ok(Buffer.concat(parts).equals(sent), "raw-tcp: other bytes came back");
}

async function expectedSamples(row: RowName): Promise<Int16Array> {
  const said = Array.from({ length: PACKETS }, (_, i) => callerSamples(i));
  const whole = concat(said);
  if (row === "bare-ws") return whole;
  if (row === "usual") {
    const speex = await speexResamplerPeer();
    const down = await speex.open({ inputRate: WIRE_RATE, outputRate: 16_000 });
    const up = await speex.open({ inputRate: 16_000, outputRate: WIRE_RATE });
    const none = new Int16Array(0);
    // Its results are views of memory that it uses again.
    return concat(said.map((samples) => up.process(down.process(samples, none).slice(), none).slice() as Int16Array));
  }
  const { loadCodecSync } = await importCodec();
  const codec = loadCodecSync();
  const rate = botRate(row)!;
  const up = codec.createResampler(rate, WIRE_RATE);
  if (row.startsWith("speech")) return concat([up.process(speech(rate)), up.process(speech(rate))]);
  return up.process(codec.createResampler(WIRE_RATE, rate).process(whole));
}

/** One caller, who speaks in real time as all do, until it has heard so many packets; what these say. */
export async function talk(port: number, row: string, packets: number): Promise<Int16Array> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  await once(socket, "open");
  const heard: Int16Array[] = [];
  const complete = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${row}: ${heard.length} packets came back`)), TIMEOUT_MS);
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString());
      if (message.event !== "media") return;
      const bytes = Uint8Array.from(Buffer.from(message.media.payload, "base64"));
      if (bytes.length !== 2 * PACKET_SAMPLES) reject(new Error(`${row}: a packet of ${bytes.length} bytes came`));
      heard.push(new Int16Array(bytes.buffer));
      if (heard.length < packets) return;
      clearTimeout(timer);
      resolve();
    });
  });
  for (const message of OPENING) socket.send(message);
  let sent = 0;
  const talking = setInterval(() => socket.send(mediaMessage(sent++)), PACKET_MS);
  try {
    await complete;
  } finally {
    clearInterval(talking);
    socket.terminate();
  }
  return concat(heard);
}
