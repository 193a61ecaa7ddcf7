import { randomUUID } from "node:crypto";
import { once, setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Account } from "./account.ts";
import { createApi } from "./api.ts";
import { type Behaviour, defaultBehaviour } from "./behaviour.ts";
import { PlacedCall } from "./call.ts";
import type { WavixCall } from "./call-state.ts";
import { CallerAudio, CallerLine, prepareCallerAudio } from "./caller-audio.ts";
import { completeBehaviour } from "./check-behaviour.ts";
import { SimulatorError } from "./errors.ts";
import { FaultPlan } from "./faults.ts";
import { checkKeyPresses } from "./key-presses.ts";
import type { PlaceCallOptions, SimulatorOptions, WavixSimulator } from "./model.ts";
import { Pacer } from "./pacer.ts";
import { RequestLog } from "./request-log.ts";
import { PACKET_MS } from "./wire-audio.ts";

// Ended calls that REST still knows (Behaviour.endedCalls); the oldest is forgotten first.
const MAX_REMEMBERED = 100;
// How long the last webhooks may take when the simulator closes.
const CLOSING_WEBHOOKS_MS = 2000;
const DEFAULT_RING_TIMEOUT_MS = 60_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DIGITS = /^[0-9*#]*$/;

// One timer for all simulated calls of the process.
const pacer = new Pacer();

/**
 * Opens a stand-in for Wavix and resolves when its REST side listens.
 *
 * @throws TypeError or RangeError for an option that is none, {@link SimulatorError} `API_LISTEN_FAILED` (with the system's error as
 * `cause`) when the port cannot be had.
 *
 * @example
 * const simulator = await createWavixSimulator();
 * // … start a server with WAVIX_API_BASE = simulator.apiUrl …
 * const { samples, sampleRate } = readSpeechRecording();
 * const call = simulator.placeCall({
 *   webhookUrl: "http://127.0.0.1:7860/wavix/inbound",
 *   callerAudio: prepareCallerAudio(samples, sampleRate),
 *   hangUpAfterMs: 8000,
 * });
 * const report = await call.ended;
 * console.log(report.endedBy, report.times.firstAudioMs, report.playout.gaps);
 * await simulator.close();
 */
export async function createWavixSimulator(options: SimulatorOptions = {}): Promise<WavixSimulator> {
  const { apiPort = 0, host = "127.0.0.1", maxCalls = 2000 } = options;
  requireInteger("apiPort", apiPort, 0, 65_535);
  requireInteger("maxCalls", maxCalls, 1, 100_000);
  const behaviour = completeBehaviour(defaultBehaviour, options.behaviour);
  const faults = new FaultPlan();
  for (const fault of options.faults ?? []) faults.add(fault);
  const log = new RequestLog();
  const active = new Map<string, PlacedCall>();
  const remembered = new Map<string, WavixCall>();
  const webhooksGivenUp = new AbortController();
  setMaxListeners(0, webhooksGivenUp.signal);

  const app = createApi({
    apiKey: options.apiKey,
    account: new Account(options.account),
    behaviour,
    faults,
    log,
    findCall: (id) => active.get(id),
    findEndedCall: (id) => remembered.get(id),
    activeCalls: () => [...active.values()].filter(({ state }) => state !== "ended"),
  });
  const server = createServer(app);
  try {
    server.listen(apiPort, host);
    await once(server, "listening");
  } catch (cause) {
    throw new SimulatorError("API_LISTEN_FAILED", `the REST side cannot listen on port ${apiPort}`, { cause });
  }
  const { port } = server.address() as AddressInfo;

  const remember = (call: PlacedCall) => {
    active.delete(call.id);
    remembered.set(call.id, call.toWire());
    if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
  };

  let closed: Promise<void> | null = null;
  const closeAll = async () => {
    const calls = [...active.values()];
    for (const call of calls) call.abandon();
    const timer = setTimeout(() => webhooksGivenUp.abort(), CLOSING_WEBHOOKS_MS);
    await Promise.all(calls.map((call) => call.ended));
    clearTimeout(timer);
    const stopped = once(server, "close");
    server.close();
    server.closeAllConnections();
    await stopped;
  };
  const close = () => {
    closed ??= closeAll();
    return closed;
  };

  return {
    apiUrl: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    apiPort: port,
    get calls() {
      return [...active.values()];
    },
    get requests() {
      return log.entries;
    },
    requestCount: (operation) => log.count(operation),
    injectFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    placeCall(callOptions) {
      if (closed !== null) throw new SimulatorError("SIMULATOR_CLOSED", "the simulator is closed");
      const setup = checkCall(callOptions, behaviour);
      if (active.has(setup.id) || remembered.has(setup.id)) throw new RangeError("callId is already in use");
      if (active.size >= maxCalls) {
        throw new SimulatorError("TOO_MANY_CALLS", `at most ${maxCalls} calls can be in progress`);
      }
      const call = new PlacedCall({ ...setup, pacer, closing: webhooksGivenUp.signal });
      active.set(call.id, call);
      void call.ended.then(() => remember(call));
      return call;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkCall(options: PlaceCallOptions, behaviour: Behaviour) {
  const { callId = randomUUID(), callerAudio, speakAfterMs = 0, hangUpAfterMs, ringTimeoutMs, signal } = options;
  signal?.throwIfAborted();
  if (!URL.canParse(options.webhookUrl) || !/^https?:/i.test(options.webhookUrl)) {
    throw new TypeError("webhookUrl must be an http or https URL");
  }
  if (!UUID.test(callId)) throw new TypeError("callId must be a UUID");
  if (!DIGITS.test(options.digits ?? "")) throw new TypeError("digits must be of 0 to 9, * and #");
  const audio = callerAudio instanceof Int16Array ? prepareCallerAudio(callerAudio) : (callerAudio ?? null);
  if (audio !== null && !(audio instanceof CallerAudio)) {
    throw new TypeError("callerAudio must be an Int16Array or come from prepareCallerAudio");
  }
  const speakAfterPackets = Math.ceil(requireDelay("speakAfterMs", speakAfterMs) / PACKET_MS);
  return {
    id: callId,
    from: options.from ?? "+12025550143",
    to: options.to ?? "+12025550199",
    webhookUrl: options.webhookUrl,
    behaviour: completeBehaviour(behaviour, options.behaviour),
    line: new CallerLine(audio, speakAfterPackets, options.loop ?? false),
    digits: options.digits ?? "",
    keys: checkKeyPresses(options.keys ?? []),
    script: options.script ?? null,
    record: options.record ?? true,
    observer: options.observer ?? null,
    ringTimeoutMs: requireDelay("ringTimeoutMs", ringTimeoutMs ?? DEFAULT_RING_TIMEOUT_MS),
    hangUpAfterMs: hangUpAfterMs === undefined ? null : requireDelay("hangUpAfterMs", hangUpAfterMs),
    signal: signal ?? null,
  };
}

// The bound is that of setTimeout, which takes a longer delay for 1 ms.
function requireDelay(name: string, value: number): number {
  if (!(value >= 0 && value <= 2_147_483_647)) throw new RangeError(`${name} must be 0 to 2147483647 ms, not ${value}`);
  return value;
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`);
  }
}
