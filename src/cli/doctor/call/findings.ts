import { type Behaviour, defaultBehaviour } from "../../../simulator/index.ts";
import type { WebhookFact } from "./listener.ts";
import type { Observations, Played, StreamEnd } from "./observations.ts";
import type { MediaFact } from "./stream-facts.ts";

/** One answer to a question the documents leave open. */
export interface Finding {
  /** What is asked. */
  readonly question: string;
  readonly answer: string;
  /** Switches of the simulator that would make it the same. */
  readonly switches: Partial<Behaviour>;
}

/** One of the points that a simulator must choose, because nothing is documented. */
export interface Point {
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** What was seen, point by point. */
export function findingsOf(seen: Observations): Point[] {
  const points: [string, (Finding | undefined)[]][] = [
    ["Webhooks: events, ids, repeats", webhookFindings(seen)],
    ["Timestamps and numbers", numberFindings(seen)],
    ["Playback buffer and marks", playbackFindings(seen)],
    ["Ends of streams, sockets and calls", endFindings(seen)],
    ["What is refused", refusalFindings(seen)],
    ["Webhooks that are refused", retryFindings(seen)],
    ["Frames: sizes and silence", frameFindings(seen)],
    ["Texts of errors", textFindings(seen)],
    ["Beside that", otherFindings(seen)],
  ];
  return points.map(([title, findings]) => ({ title, findings: findings.filter((one) => one !== undefined) }));
}

/** All switches that were found, and those of them that are not as they are by default. */
export function behaviourOf(points: readonly Point[]): { found: Partial<Behaviour>; differs: Partial<Behaviour> } {
  const found: Partial<Behaviour> = Object.assign(
    {},
    ...points.flatMap(({ findings }) => findings.map((one) => one.switches)),
  );
  const differs = Object.fromEntries(
    Object.entries(found).filter(([name, value]) => {
      return JSON.stringify(value) !== JSON.stringify(defaultBehaviour[name as keyof Behaviour]);
    }),
  );
  return { found, differs };
}

const finding = (question: string, answer: string, switches: Partial<Behaviour> = {}): Finding => ({
  question,
  answer,
  switches,
});

function webhookFindings(seen: Observations): (Finding | undefined)[] {
  const { webhooks, answeredAtMs = Number.POSITIVE_INFINITY } = seen;
  const events = (from: number, to: number) => {
    const inside = webhooks.filter(
      ({ atMs, isOver, event }) => atMs >= from && atMs < to && !isOver && event !== "on_call_event",
    );
    return [...new Set(inside.map(({ event }) => event))] as Behaviour["eventsBeforeAnswer"];
  };
  const before = events(0, answeredAtMs);
  const after = events(answeredAtMs, Number.POSITIVE_INFINITY);
  const over = webhooks.find(({ isOver }) => isOver);
  const ids = new Set(webhooks.map((webhook) => webhook.ids));
  const [only] = ids;
  const copies = copiesOf(seen);
  const overlapping = webhooks.some((webhook, i) => webhook.overlapping && webhook.event !== webhooks[i - 1]?.event);
  const known = new Set<string>([
    "call_setup",
    "ringing",
    "early_media",
    "answered",
    "completed",
    "busy",
    "cancelled",
    "rejected",
  ]);
  const allKnown = [...before, ...after].every((event) => known.has(event));
  return [
    finding(
      "events before the answer",
      before.join(", ") || "none",
      allKnown && seen.rang ? { eventsBeforeAnswer: before } : {},
    ),
    seen.answeredAtMs === undefined
      ? undefined
      : finding(
          "events with the answer",
          after.join(", ") || "none",
          allKnown && seen.rang ? { eventsOnAnswer: after } : {},
        ),
    seen.end === undefined
      ? undefined
      : finding(
          "event when the call ended",
          over?.event ?? "none",
          over === undefined || known.has(over.event)
            ? { eventWhenCompleted: (over?.event ?? null) as Behaviour["eventWhenCompleted"] }
            : {},
        ),
    finding(
      "names of the call's id",
      ids.has("unknown") ? "not told" : [...ids].join(", "),
      ids.size === 1 && only !== undefined && only !== "other" && only !== "unknown" ? { callIdFields: only } : {},
    ),
    finding("times each event came", `${copies}`, { webhookCopies: copies }),
    webhooks.length < 2
      ? undefined
      : finding("an event while the one before had no reply", overlapping ? "came" : "waited", {
          webhookOrder: overlapping ? "at-once" : "in-order",
        }),
    accountFinding(seen.accountWebhook, copies),
    finding("headers of a webhook", webhooks[0]?.headers.join(", ") || "not known"),
  ];
}

function accountFinding(webhook: Observations["accountWebhook"], copies: number): Finding | undefined {
  if (webhook === undefined) return undefined;
  const answers = {
    none: "there is none: the number's own is all that was seen",
    ours: `is ours as well: each event came ${copies} time(s), from the two`,
    another: "is elsewhere: whether both get each event is to be seen there",
  };
  return finding("the account's on-call webhook", answers[webhook]);
}

/** Of those that were replied to with 200. */
function copiesOf({ webhooks }: Observations): number {
  const counts = new Map<string, number>();
  for (const { status, body } of webhooks) if (status === 200) counts.set(body, (counts.get(body) ?? 0) + 1);
  return Math.max(1, ...counts.values());
}

function numberFindings({ media }: Observations): (Finding | undefined)[] {
  if (media === undefined) return [];
  const { numbersAsStrings, startSequence } = media;
  const inbound = media.media.filter(({ track }) => track !== "outbound");
  const [first] = inbound;
  const step = commonStep(inbound);
  const unit = ({ 160: "rtp-8khz", 480: "rtp-24khz", 20: "ms" } as const)[step ?? 0];
  const start = first?.timestamp;
  return [
    finding(
      "step of media.timestamp in 20 ms",
      step === undefined ? "there is none" : `${step}${unit === undefined ? "" : ` (${unit})`}`,
      unit === undefined ? {} : { timestampUnit: unit },
    ),
    finding("first media.timestamp", `${start ?? "none"}`, switchIf("timestampStart", start, isSwitchNumber(start))),
    numbersAsStrings === undefined
      ? undefined
      : finding("numbers", numbersAsStrings ? "as text" : "as numbers", { numbersAsStrings }),
    finding(
      "sequence_number of start, and of the first media",
      `${startSequence ?? "none"}, ${first?.sequence ?? "none"}`,
    ),
    finding("first media.chunk", `${first?.chunk ?? "none"}`),
  ];
}

/** Between packets that follow each other. */
function commonStep(media: readonly MediaFact[]): number | undefined {
  const counts = new Map<number, number>();
  for (const [i, { timestamp, chunk }] of media.entries()) {
    const before = media[i - 1];
    if (timestamp === undefined || before?.timestamp === undefined) continue;
    if (chunk !== undefined && before.chunk !== undefined && chunk !== before.chunk + 1) continue;
    const step = timestamp - before.timestamp;
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function playbackFindings(seen: Observations): (Finding | undefined)[] {
  const { emptyMarkMs, second, clear, burst } = seen;
  if (emptyMarkMs === undefined) return [];
  if (emptyMarkMs === null) return [finding("marks", "none came back", { echoMarks: false })];
  // To the next packet; below three of them it is the way there and back.
  const delayMs = emptyMarkMs < 60 ? 0 : Math.floor(emptyMarkMs / 20) * 20;
  const order = clear?.order.join() === clear?.sent.join() ? "in-order" : "reversed";
  const isOrdered =
    clear?.order.join() === clear?.sent.join() || clear?.order.join() === clear?.sent.toReversed().join();
  return [
    finding("a mark with nothing queued comes back after", `${ms(emptyMarkMs)}, the network's way included`, {
      echoMarks: true,
      markEchoDelayMs: delayMs,
    }),
    second && finding(`a mark behind ${second.audioMs} ms of audio`, `comes back after ${ms(second.echoMs)}`),
    clear &&
      finding(
        `clear with ${clear.sent.length} marks queued`,
        clear.order.length === 0
          ? "brings none back"
          : `brings back ${clear.order.length}, ${isOrdered ? order : "in no order"}, after ${ms(clear.afterMs)}`,
        isOrdered && clear.order.length === clear.sent.length ? { marksOnClear: order } : {},
      ),
    burst && burstFinding(burst, delayMs),
  ];
}

function burstFinding({ audioMs, echoMs }: Played, delayMs: number): Finding {
  const question = `${audioMs} ms of audio sent at once`;
  if (echoMs === null) return finding(question, "its mark did not come back");
  const playedMs = echoMs - delayMs;
  if (playedMs >= 0.9 * audioMs) return finding(question, `are played, in ${ms(playedMs)}: the buffer holds as much`);
  const heldMs = Math.max(0, Math.round(playedMs / 100) * 100);
  return finding(question, `are played in ${ms(playedMs)}: the buffer holds no more`, { maxBufferedMs: heldMs });
}

function endFindings(seen: Observations): (Finding | undefined)[] {
  const { deletedStream, end, serverClose } = seen;
  const endOfCall = end === undefined || (end.stopMs === null && end.closedMs === null) ? undefined : end;
  const way = endOfCall === undefined ? undefined : wayOf(endOfCall);
  // One that says nothing at its end on a call that ends otherwise.
  const closes = deletedStream === undefined ? undefined : deletedStream.closedMs !== null;
  const code = endOfCall?.code ?? deletedStream?.code;
  const isCode = code !== undefined && code !== null && code >= 1000 && code !== 1005 && code !== 1006;
  return [
    deletedStream &&
      finding(
        "after DELETE stream",
        describeEnd(deletedStream),
        closes === undefined || (!closes && way === "stop-only") ? {} : { stoppedStreamCloses: closes },
      ),
    endOfCall && finding("the stream of a call that ends", describeEnd(endOfCall), { streamEnd: way ?? "stop-only" }),
    code === undefined || code === null
      ? undefined
      : finding("close code", `${code}`, switchIf("closeCode", code, isCode)),
    orderFinding(endOfCall, end?.webhookMs),
    serverClose &&
      finding(
        "we close the socket",
        serverClose.callUp === null
          ? "whether the call stays up is not told"
          : serverClose.callUp
            ? `the call stays up; another stream is ${serverClose.reopened === 200 ? "started" : `refused (${serverClose.reopened})`}`
            : "the call ends",
        serverClose.callUp === null ? {} : { serverCloseEndsCall: !serverClose.callUp },
      ),
    switchFinding("GET of a call that is over", seen.callAfterEnd, {
      404: { endedCalls: "gone" },
      200: { endedCalls: "known" },
    }),
  ];
}

function wayOf({ stopMs, closedMs }: StreamEnd): Behaviour["streamEnd"] {
  if (closedMs === null) return "stop-only";
  return stopMs === null ? "close-only" : "stop-then-close";
}

function orderFinding(end: StreamEnd | undefined, webhookMs: number | null | undefined): Finding | undefined {
  const streamMs = end?.stopMs ?? end?.closedMs;
  if (streamMs === undefined || streamMs === null || webhookMs === undefined || webhookMs === null) return undefined;
  const first = streamMs <= webhookMs ? "stream-first" : "webhook-first";
  return finding("the end of the stream, and the last webhook", first.replace("-", " "), { endOrder: first });
}

function describeEnd({ stopMs, closedMs, code }: StreamEnd): string {
  const said = stopMs === null ? "no stop" : "stop";
  return closedMs === null ? `${said}, and the socket stays open` : `${said}, then closed with ${code}`;
}

function refusalFindings(seen: Observations): (Finding | undefined)[] {
  const { secondTwoWay, oneWayStatuses } = seen;
  const sixth = oneWayStatuses?.[5];
  const five = oneWayStatuses?.slice(0, 5).every((status) => status === 200);
  return [
    switchFinding("streams of an unknown call", seen.unknownCallOnStreams, {
      404: { unknownCallOnStreams: 404 },
      400: { unknownCallOnStreams: 400 },
    }),
    switchFinding("DELETE of an unknown stream", seen.unknownStreamOnDelete, {
      200: { unknownStreamOnDelete: 200 },
      404: { unknownStreamOnDelete: 404 },
    }),
    switchFinding("a stream before the answer", seen.streamBeforeAnswer, {
      400: { streamBeforeAnswer: "refuse" },
      200: { streamBeforeAnswer: "accept" },
    }),
    switchFinding("answering twice", seen.answerTwice, {
      200: { answerTwice: 200 },
      400: { answerTwice: 400 },
      404: { answerTwice: 404 },
    }),
    secondTwoWay &&
      switchFinding(
        "a second two-way stream",
        secondTwoWay.status,
        {
          400: { secondTwoWayStream: "refuse" },
          200: { secondTwoWayStream: secondTwoWay.firstEnded ? "replace" : "accept" },
        },
        secondTwoWay.status === 200 ? `, the first ${secondTwoWay.firstEnded ? "ends" : "goes on"}` : "",
      ),
    oneWayStatuses && finding("five one-way streams", oneWayStatuses.slice(0, 5).join(", ")),
    switchFinding("a sixth one-way stream", five ? sixth : undefined, {
      400: { sixthOneWayStream: "refuse" },
      200: { sixthOneWayStream: "accept" },
    }),
    seen.replyAfterSocket === undefined
      ? undefined
      : finding(
          "the reply to answer",
          seen.replyAfterSocket ? "waits for the socket" : "does not wait for the socket",
          {
            replyAfterSocket: seen.replyAfterSocket,
          },
        ),
  ];
}

function retryFindings(seen: Observations): (Finding | undefined)[] {
  const refused = seen.webhooks.filter(({ event, status }) => event === seen.refusedEvent && status !== 200);
  if (refused.length === 0) return [];
  const attempts = refused.length / copiesOf(seen);
  const question = "a webhook that is replied to with 503";
  if (attempts < 2) return [finding(question, "does not come again during the call", { webhookRetries: 0 })];
  // Copies, if any, come right behind the last repetition of the one before.
  const gaps = refused.slice(1).map(({ atMs }, i) => atMs - (refused[i] as WebhookFact).atMs);
  const gapMs = gaps.sort((one, other) => one - other)[gaps.length >> 1] as number;
  const retries = Math.round(attempts - 1);
  return [
    finding(question, `comes again ${retries} time(s), every ${ms(gapMs)}`, {
      webhookRetries: retries,
      webhookRetryDelayMs: Math.round(gapMs / 100) * 100,
    }),
  ];
}

function frameFindings(seen: Observations): (Finding | undefined)[] {
  const { media, oneWayBoth, offSize, oddBytes } = seen;
  if (media === undefined) return [];
  const facts = media.media;
  const sizes = [...new Set(facts.map(({ byteLength }) => byteLength))].sort((a, b) => a - b);
  const seconds = facts.length < 2 ? 0 : ((facts.at(-1)?.atMs ?? 0) - (facts[0]?.atMs ?? 0)) / 1_000;
  const rate = seconds === 0 ? 0 : (facts.length - 1) / seconds;
  const silent = facts.filter((fact) => fact.silent).length;
  const gaps = facts.filter((fact, i) => i > 0 && fact.atMs - (facts[i - 1] as MediaFact).atMs > 200).length;
  // Only a caller who says nothing shows it.
  const isSilent =
    silent > 0 && gaps === 0 ? true : silent === 0 && (facts.length === 0 || gaps > 0) ? false : undefined;
  const off = wasPlayed(offSize, seen.emptyMarkMs);
  const odd = wasPlayed(oddBytes, seen.emptyMarkMs);
  return [
    finding("messages of a stream, in their order", media.events.join(", "), {
      sendConnected: media.events.includes("connected"),
      sendStart: media.events.includes("start"),
    }),
    finding(
      "sizes of media",
      sizes.length === 0 ? "none came" : `${sizes.slice(0, 8).join(", ")} bytes, ${rate.toFixed(0)} a second`,
    ),
    finding(
      "media while the caller says nothing",
      isSilent === undefined ? "not told: somebody spoke" : isSilent ? "comes" : "does not come",
      isSilent === undefined ? {} : { mediaDuringSilence: isSilent },
    ),
    off === undefined
      ? undefined
      : finding("messages of 480 bytes", off ? "are played" : "are dropped", { offSizeMedia: off ? "play" : "drop" }),
    // Where all other sizes are dropped, these say nothing by themselves.
    odd === undefined || off === false
      ? undefined
      : finding("messages of 961 bytes", odd ? "are played" : "are dropped", { oddByteMedia: odd ? "trim" : "drop" }),
    oneWayBoth && chunkFinding(oneWayBoth.media),
  ];
}

/** Whether its mark came back later than one with nothing before it. */
function wasPlayed(played: Played | undefined, emptyMarkMs: number | null | undefined): boolean | undefined {
  if (played === undefined || played.echoMs === null) return undefined;
  return played.echoMs - (emptyMarkMs ?? 0) > played.audioMs / 2;
}

function chunkFinding(media: readonly MediaFact[]): Finding | undefined {
  const inbound = new Set(media.filter(({ track }) => track === "inbound").map(({ chunk }) => chunk));
  const outbound = media.filter(({ track }) => track === "outbound");
  if (inbound.size === 0 || outbound.length === 0) return undefined;
  const shared = outbound.every(({ chunk }) => !inbound.has(chunk));
  return finding("chunks of a one-way stream of both tracks", shared ? "share one count" : "are counted by track", {
    tracksShareChunkCount: shared,
  });
}

function textFindings({ unknownCall }: Observations): (Finding | undefined)[] {
  if (unknownCall === undefined) return [];
  const { status, text } = unknownCall;
  const generation = text === "Record not found" ? "2026-06" : text === "Call not found" ? "2026-04" : undefined;
  const switches = generation === undefined ? {} : ({ errorTexts: generation } as const);
  return [finding("GET of an unknown call", `${status ?? "no answer"} «${text}»`, switches)];
}

function otherFindings({ upgrade }: Observations): (Finding | undefined)[] {
  if (upgrade === undefined) return [];
  const { keptQuery, headers, userAgent, subprotocol, offersCompression } = upgrade;
  return [
    finding("a query in stream_url", keptQuery ? "is kept" : "is left out", { keepStreamUrlQuery: keptQuery }),
    finding("headers of the upgrade", headers.join(", ")),
    finding("user agent", userAgent ?? "none, or not to be shown"),
    finding(
      "subprotocol, compression",
      `${subprotocol ? "asked for" : "none"}, ${offersCompression ? "offered" : "none"}`,
    ),
  ];
}

function switchFinding(
  question: string,
  status: number | null | undefined,
  switches: Readonly<Record<number, Partial<Behaviour>>>,
  more = "",
): Finding | undefined {
  if (status === undefined) return undefined;
  return finding(
    question,
    status === null ? "no answer" : `${status}${more}`,
    status === null ? {} : (switches[status] ?? {}),
  );
}

function switchIf<K extends keyof Behaviour>(
  name: K,
  value: Behaviour[K] | undefined,
  holds: boolean,
): Partial<Behaviour> {
  return holds && value !== undefined ? ({ [name]: value } as Partial<Behaviour>) : {};
}

/** What the simulator can be told. */
function isSwitchNumber(value: number | undefined): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= 2_147_483_647;
}

function ms(value: number | null): string {
  return value === null ? "never" : `${Math.round(value)} ms`;
}
