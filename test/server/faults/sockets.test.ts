import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "vitest";
import type { Bot } from "../../../src/call/index.ts";
import { OutputAudioRawFrame } from "../../../src/pipecat/index.ts";
import { type FaultScene, faultScene, openCall, streamingCall } from "../../support/fault-scene.ts";
import { MediaClient } from "../../support/media-client.ts";
import { noise } from "../../support/signals.ts";
import { openTcpRelay, type TcpRelay } from "../../support/tcp-relay.ts";

/** Not at the wire's rate: it takes a resampler. */
const speech = (ms: number) => new OutputAudioRawFrame({ audio: noise(16 * ms), sampleRate: 16_000 });

/** Does what its call's id says. */
const bot: Bot = async (call) => {
  if (call.callId?.includes("last-words")) return await call.send(speech(600));
  if (call.callId === "while-it-is-hung-up") return;
  // As far ahead as it may, for as long as it may.
  if (call.callId?.includes("speaks")) while (!call.signal.aborted) await call.send(speech(1_000));
  await call.closed;
};

const reset = (client: MediaClient) => (client.socket as unknown as { _socket: Socket })._socket.resetAndDestroy();

/** A connection that writes something and is reset as soon as that is out. */
async function writeAndReset({ urls }: FaultScene, text: string): Promise<void> {
  const socket = connect(Number(new URL(urls.local).port), "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  await new Promise((resolve) => socket.write(text, resolve));
  socket.resetAndDestroy();
}

/** The head of an upgrade to a call's stream. */
async function upgradeHead({ announce, rest }: FaultScene, callId: string): Promise<string> {
  await announce(callId);
  const { pathname, host } = new URL(await rest.streamUrl(callId));
  const key = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`;
  return `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`;
}

/** By the state of the call: how it gets there and is reset, and how the call then ends. */
const resets: [string, RegExp, (scene: FaultScene, callId: string) => Promise<unknown>][] = [
  [
    "in-the-upgrade",
    /^server no-socket$/,
    async (scene, callId) => writeAndReset(scene, (await upgradeHead(scene, callId)).slice(0, -20)),
  ],
  [
    "before-101",
    /^server no-socket$|^caller socket-closed$/,
    async (scene, callId) => writeAndReset(scene, await upgradeHead(scene, callId)),
  ],
  ["after-101", /^caller socket-closed$/, async (scene, callId) => reset(await openCall(scene, callId))],
  [
    "after-connected",
    /^caller socket-closed$/,
    async (scene, callId) => {
      const client = await openCall(scene, callId);
      client.send({ event: "connected" });
      await pongOf(client);
      reset(client);
    },
  ],
  ["after-start", /^caller socket-closed$/, async (scene, callId) => reset(await streamingCall(scene, callId))],
  [
    "while-it-speaks-and-listens",
    /^caller socket-closed$/,
    async (scene, callId) => {
      const client = await streamingCall(scene, callId);
      for (let i = 0; i < 20; i++) client.media();
      await client.message("media");
      reset(client);
    },
  ],
  [
    "in-its-last-words",
    /^bot bot-ended$/,
    async (scene, callId) => {
      const client = await streamingCall(scene, callId);
      await client.message("media");
      reset(client);
    },
  ],
  [
    "while-it-is-hung-up",
    /^bot bot-ended$/,
    async (scene, callId) => {
      const reply = new Promise<() => void>((resolve) => {
        scene.rest.reply("hangUp", (_response, yes) => resolve(yes), callId);
      });
      const client = await streamingCall(scene, callId);
      const yes = await reply;
      reset(client);
      await client.closed;
      yes();
    },
  ],
  [
    "after-stop",
    /^caller stop$/,
    async (scene, callId) => {
      const client = await streamingCall(scene, callId);
      client.send({ event: "stop" });
      await pongOf(client);
      reset(client);
    },
  ],
];

/** All that was sent has been read. */
async function pongOf({ socket }: MediaClient): Promise<void> {
  socket.ping();
  await once(socket, "pong");
}

describe("a connection that breaks", () => {
  const scene = faultScene({ bot, startTimeoutMs: 2_000, pingMs: 1_000, concurrent: true });

  it.concurrent.for(resets)(
    "by a reset, %s, ends its call, once on both sides",
    async ([callId, end, happens], { expect }) => {
      await happens(scene(), callId);
      const { log, rest } = scene();
      const { endedBy, reason } = await log.line("call ended", callId);
      expect(`${endedBy} ${reason}`).toMatch(end);
      expect(rest.count("hangUp", callId)).toBe(1);
      expect(log.lines.filter((line) => line.msg === "call ended" && line.callId === callId)).toHaveLength(1);
    },
  );

  it.concurrent("by a reset of a webhook or a probe begins nothing", async ({ expect }) => {
    const { rest, announce, urls, log } = scene();
    const head = "POST /wavix/inbound HTTP/1.1\r\nhost: x\r\ncontent-length: 80\r\n\r\n";
    for (const text of ["G", head, `${head}{"id":"call-1","event_type":`, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n"]) {
      for (let i = 0; i < 20; i++) await writeAndReset(scene(), text);
    }
    expect((await fetch(`${urls.local}/livez`)).status).toBe(200);
    expect(log.lines.some(({ callId }) => callId === "call-1")).toBe(false);
    expect((await announce("call-1", { direction: "outbound" })).status).toBe(200);
    expect(rest.count("answer", "call-1")).toBe(0);
  });

  const states: [string, RegExp, (client: MediaClient, scene: FaultScene, callId: string) => Promise<unknown>][] = [
    ["before-it-says-anything", /^server no-(pong|start)$/, async () => {}],
    ["when-it-has-started", /^server no-pong$/, (client, scene, callId) => begin(client, scene, callId)],
    [
      "while-its-bot-speaks",
      /^server no-pong$/,
      async (client, scene, callId) => {
        await begin(client, scene, callId);
        await client.message("media");
      },
    ],
    [
      "in-its-bots-last-words",
      /^bot bot-ended$/,
      async (client, scene, callId) => {
        await begin(client, scene, callId);
        await client.message("media");
      },
    ],
  ];
  const begin = async (client: MediaClient, { log }: FaultScene, callId: string) => {
    client.start(callId);
    await log.line("call streaming", callId);
  };
  const through = async ({ announce, rest }: FaultScene, callId: string): Promise<[MediaClient, TcpRelay]> => {
    await announce(callId);
    const url = new URL(await rest.streamUrl(callId));
    const relay = await openTcpRelay(Number(url.port));
    url.port = String(relay.port);
    return [await MediaClient.open(url.href), relay];
  };

  it.concurrent.for(states)(
    "without a word, %s, is found out, and its call hung up",
    async ([callId, end, getThere], { expect }) => {
      const { log, rest } = scene();
      const [client, relay] = await through(scene(), callId);
      await getThere(client, scene(), callId);
      relay.freeze();
      const { endedBy, reason } = await log.line("call ended", callId);
      expect(`${endedBy} ${reason}`).toMatch(end);
      expect(rest.count("hangUp", callId)).toBe(1);
      // It still believes in its connection.
      expect(client.socket.readyState).toBe(1);
      await relay.close();
      await client.closed;
    },
  );
});
