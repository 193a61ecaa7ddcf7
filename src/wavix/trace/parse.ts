import { TraceError } from "./errors.ts";
import { type Cut, TRACE_FORMAT, TRACE_VERSION, type TraceHeader, type TraceStep } from "./format.ts";

/** Twice what is written at most: a line more is no reason to refuse a file. */
const MAX_FILE_BYTES = 128 * 1024 * 1024;
/** Six characters for each of a message of 64 KiB. */
const MAX_LINE_LENGTH = 512 * 1024;
const MAX_CUT_LENGTH = 64 * 1024;
/** Some of a day: no call is as long. */
const MAX_MS = 2 ** 31;

/** A trace that has been read. */
export interface Trace {
  readonly header: TraceHeader;
  readonly steps: readonly TraceStep[];
  /** It ends in the middle of a line: whoever wrote it had no time to end it. */
  readonly cutOff: boolean;
}

/**
 * Reads a trace. A last line that was not written to its end is left out.
 *
 * @throws TraceError `NO_TRACE`, `NEWER_TRACE`, `TRACE_TOO_LARGE`, or `TRACE_DAMAGED` with the number of the line
 * @example
 * const { header, steps } = parseTrace(readFileSync("trace.jsonl"));
 */
export function parseTrace(bytes: Uint8Array): Trace {
  if (bytes.length > MAX_FILE_BYTES) {
    throw new TraceError("TRACE_TOO_LARGE", `it has ${bytes.length} bytes; a trace has at most ${MAX_FILE_BYTES}`);
  }
  const lines = linesOf(bytes);
  const first = lines.next();
  const header = readHeader(first.done ? "" : first.value.text);
  const steps: TraceStep[] = [];
  let cutOff = false;
  let lastMs = 0;
  for (const { text, number, whole } of lines) {
    // A whole line without its line feed is a whole line.
    const value = parseLine(text);
    if (value === undefined && !whole) {
      cutOff = true;
      break;
    }
    const step = readStep(value);
    if (typeof step === "string") throw damaged(number, step);
    if (step.ms < lastMs) throw damaged(number, "time runs backwards");
    lastMs = step.ms;
    steps.push(step);
  }
  return { header, steps, cutOff };
}

/** Bad UTF-8 reads as U+FFFD: a step that holds it says so by itself, or does not matter. */
function* linesOf(bytes: Uint8Array): Generator<{ text: string; number: number; whole: boolean }, void> {
  const utf8 = new TextDecoder();
  let number = 0;
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(0x0a, from);
    const end = at < 0 ? bytes.length : at;
    number++;
    if (end - from > MAX_LINE_LENGTH) throw damaged(number, `it is longer than ${MAX_LINE_LENGTH} bytes`);
    yield { text: utf8.decode(bytes.subarray(from, end)), number, whole: at >= 0 };
    from = end + 1;
  }
}

function readHeader(text: string): TraceHeader {
  const value = parseLine(text);
  if (!isObject(value) || value.format !== TRACE_FORMAT) {
    throw new TraceError("NO_TRACE", `line 1 is not the head of a trace ("format":"${TRACE_FORMAT}")`);
  }
  const { version, package: package_, startedAt, callId, audio, midCall } = value;
  if (!isInteger(version, 1, 1_000_000)) throw damaged(1, "version must be a whole number");
  if (version > TRACE_VERSION) {
    throw new TraceError("NEWER_TRACE", `it is of version ${version}; this package reads version ${TRACE_VERSION}`);
  }
  if (typeof package_ !== "string" || typeof startedAt !== "string")
    throw damaged(1, "package or startedAt is missing");
  if (callId !== undefined && typeof callId !== "string") throw damaged(1, "callId must be a string");
  return {
    ...{ format: TRACE_FORMAT, version, package: package_, startedAt },
    ...(callId === undefined ? {} : { callId }),
    ...{ audio: audio === true, midCall: midCall === true },
  };
}

/** A step, or what is wrong with it. A kind that is not known is none, so that a reader does not guess. */
function readStep(value: unknown): TraceStep | string {
  if (!isObject(value)) return "it is no JSON object";
  const { ms, dir, kind } = value;
  if (typeof ms !== "number" || !(ms >= 0 && ms <= MAX_MS)) return "ms must be a number from 0 up";
  if (kind === "end") {
    const { endedBy, reason, lost } = value;
    if (typeof endedBy !== "string" || typeof reason !== "string") return "endedBy and reason must be strings";
    return isInteger(lost, 0) ? { ms, kind, endedBy, reason, lost } : "lost must be a whole number";
  }
  if (dir !== "in" && dir !== "out") return 'dir must be "in" or "out"';
  if (kind === "webhook") {
    const { event } = value;
    return dir === "in" && typeof event === "string" ? { ms, dir, kind, event } : "event must be a string, dir in";
  }
  if (kind === "rest") {
    const { operation, outcome, tookMs } = value;
    if (typeof operation !== "string" || typeof outcome !== "string") return "operation and outcome must be strings";
    if (dir !== "out" || typeof tookMs !== "number") return "tookMs must be a number, dir out";
    return { ms, dir, kind, operation, outcome, tookMs };
  }
  const { socket } = value;
  if (!isInteger(socket, 1)) return "socket must be a whole number";
  if (kind === "open") return { ms, dir, kind, socket };
  if (kind === "close") {
    const { code } = value;
    return isInteger(code, 0, 65_535) ? { ms, dir, kind, socket, code } : "code must be from 0 to 65535";
  }
  if (kind === "binary") {
    const { byteLength, base64 } = value;
    if (!isInteger(byteLength, 0, 1 << 24)) return "byteLength must be a whole number";
    if (base64 !== undefined && typeof base64 !== "string") return "base64 must be a string";
    return { ms, dir, kind, socket, byteLength, ...(base64 === undefined ? {} : { base64 }) };
  }
  if (kind !== "text") return "its kind is unknown";
  const { text } = value;
  if (typeof text !== "string") return "text must be a string";
  if (value.cuts === undefined) return { ms, dir, kind, socket, text };
  const cuts = readCuts(value.cuts, text.length);
  return cuts === undefined ? "cuts must name places in the text, in order" : { ms, dir, kind, socket, text, cuts };
}

function readCuts(value: unknown, textLength: number): Cut[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const cuts: Cut[] = [];
  let from = 0;
  let room = MAX_CUT_LENGTH;
  for (const cut of value as unknown[]) {
    if (!isObject(cut)) return undefined;
    const { at, length, levelDb } = cut;
    if (!isInteger(at, from, textLength) || !isInteger(length, 1, room)) return undefined;
    if (levelDb !== undefined && !(typeof levelDb === "number" && Number.isFinite(levelDb))) return undefined;
    cuts.push({ at, length, ...(levelDb === undefined ? {} : { levelDb }) });
    from = at;
    room -= length;
  }
  return cuts;
}

function damaged(line: number, what: string): TraceError {
  return new TraceError("TRACE_DAMAGED", `line ${line}: ${what}`);
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isInteger(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}
