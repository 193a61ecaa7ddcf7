import { type CallReport, type Comparison, compareHeard } from "../simulator/index.ts";

/** How a call went, for people and machines. */
export interface CallFigures {
  ok: boolean;
  /** From the first webhook to the answer. */
  answerMs: number | null;
  /** From the answer to the first sound at the caller. */
  firstAudioMs: number | null;
  /** From the caller to the server, and back. */
  packetsIn: number;
  packetsOut: number;
  /** Mouth to ear. */
  roundTripMs: number | null;
  /** Of what was said and what came back, in the worst half second. */
  similarity: number | null;
  /** What was heard is what was said, at least in one half second. */
  isEcho: boolean;
  /** Times the caller ran dry and audio resumed within 500 ms. */
  gaps: number;
  longestGapMs: number;
  /** How late packets came, p99 and most. */
  latenessP99Ms: number | null;
  latenessMaxMs: number | null;
  invalidMessages: number;
  endedBy: string | null;
  /** The call is over on both sides. */
  hungUp: boolean;
  /** What was not right, in words. */
  problems: string[];
}

/** An echo has 1 somewhere, also one with gaps in it; another sentence stays below 0.5 even at the lag that suits it best. */
const ECHO_SIMILARITY = 0.8;

/** What a finished call amounts to. `greetingMs`: what was heard before is no echo. */
export function figuresOf(report: CallReport, greetingMs: number): CallFigures {
  const { times, sent, received, playout, recording } = report;
  let comparison: Comparison | undefined;
  if (recording !== null) comparison = compareHeard({ ...recording, ignoreHeardBeforeMs: greetingMs });
  const round = (value: number | null | undefined, digits = 1) =>
    value === null || value === undefined ? null : Number(value.toFixed(digits));
  return {
    ok: true,
    answerMs: round(times.answeredMs),
    firstAudioMs:
      times.firstAudioMs === null || times.answeredMs === null ? null : round(times.firstAudioMs - times.answeredMs),
    packetsIn: sent.packets,
    packetsOut: received.packets,
    roundTripMs: round(comparison?.lagMs),
    similarity: comparison === undefined || comparison.windowCount === 0 ? null : round(comparison.similarity, 4),
    isEcho: comparison !== undefined && comparison.bestSimilarity >= ECHO_SIMILARITY,
    gaps: playout.gaps,
    longestGapMs: round(playout.longestGapMs) ?? 0,
    latenessP99Ms: round(received.lateness.p99Ms),
    latenessMaxMs: round(received.lateness.maxMs),
    invalidMessages: received.invalidMessages + received.offSizePackets,
    endedBy: report.endedBy,
    hungUp: report.endedBy !== null && (report.closedBy === "server" || report.closedBy === "simulator"),
    problems: [],
  };
}

/** The figures as a person reads them. */
export function describe(figures: CallFigures): string {
  const ms = (value: number | null) => (value === null ? "—" : `${value} ms`);
  const { isEcho, similarity, gaps } = figures;
  const broken = isEcho && gaps > 0 && (similarity ?? 0) < ECHO_SIMILARITY;
  const worst = `${similarity} of 1, in the worst half second${broken ? " (a gap moves what follows it)" : ""}`;
  const rows: [string, string][] = [
    ["answered after", ms(figures.answerMs)],
    ["first audio", `${ms(figures.firstAudioMs)} after the answer`],
    ["packets", `${figures.packetsIn} to the bot, ${figures.packetsOut} to the caller`],
    ["lateness", `p99 ${ms(figures.latenessP99Ms)}, at most ${ms(figures.latenessMaxMs)}`],
    ["gaps heard", figures.gaps === 0 ? "none" : `${figures.gaps}, the longest ${ms(figures.longestGapMs)}`],
    ["mouth to ear", isEcho ? ms(figures.roundTripMs) : "—"],
    ["similarity", isEcho ? worst : "— (what came back is no echo)"],
    [
      "ended by",
      `${figures.endedBy ?? "nobody"}${figures.hungUp ? ", over on both sides" : ", NOT over on both sides"}`,
    ],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(15)} ${value}`).join("\n");
}
