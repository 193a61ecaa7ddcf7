import { LatenessHistogram } from "./lateness.ts";
import type { CallEnd, CallReport } from "./model.ts";
import type { PlaybackBuffer } from "./playback-buffer.ts";
import type { InvalidCause } from "./server-message.ts";
import { WIRE_SAMPLE_RATE } from "./wire-audio.ts";

const toMs = (samples: number) => (samples * 1000) / WIRE_SAMPLE_RATE;

/** What is counted about one call, over all its streams. Plain fields: the packet path only adds to them. */
export class CallTally {
  // Readings of performance.now().
  readonly placedAtMs = performance.now();
  answeredAtMs: number | null = null;
  socketAtMs: number | null = null;
  timelineAtMs: number | null = null;
  endedAtMs: number | null = null;

  endedBy: CallEnd | null = null;
  hungUpOverRest = false;
  streamId: string | null = null;
  closedBy: CallReport["closedBy"] = null;
  closeCode: number | null = null;
  streamError: string | null = null;

  sentPackets = 0;
  skippedPackets = 0;
  untakenPackets = 0;
  sentMarks = 0;
  sentStops = 0;
  readonly sendLateness = new LatenessHistogram();

  receivedPackets = 0;
  offSizePackets = 0;
  receivedMarks = 0;
  clears = 0;
  mismatchedStreamIds = 0;
  onewayMessages = 0;
  messagesAfterStop = 0;
  packetsAfterStop = 0;
  readonly invalidByCause: Partial<Record<InvalidCause, number>> = {};
  readonly receiveLateness = new LatenessHistogram();
  jitterMs = 0;

  /** Of the two-way streams that are open. */
  readonly playbacks = new Set<PlaybackBuffer>();
  // Of those that are over only the figures are kept: a call may have any number of streams, one after the other.
  #retired: PlayoutFigures = noPlayout;

  retirePlayback(playback: PlaybackBuffer): void {
    this.#retired = plus(this.#retired, playback);
    this.playbacks.delete(playback);
  }

  countInvalid(cause: InvalidCause): void {
    this.invalidByCause[cause] = (this.invalidByCause[cause] ?? 0) + 1;
  }

  report(callId: string): Omit<CallReport, "webhooks" | "recording"> {
    const sincePlaced = (atMs: number | null) => (atMs === null ? null : atMs - this.placedAtMs);
    const playout = [...this.playbacks].reduce(plus, this.#retired);
    const { firstAudibleSample } = playout;
    return {
      callId,
      streamId: this.streamId,
      endedBy: this.endedBy,
      hungUpOverRest: this.hungUpOverRest,
      closedBy: this.closedBy,
      closeCode: this.closeCode,
      streamError: this.streamError,
      times: {
        answeredMs: sincePlaced(this.answeredAtMs),
        socketMs: sincePlaced(this.socketAtMs),
        timelineMs: sincePlaced(this.timelineAtMs),
        firstAudioMs: firstAudibleSample === null ? null : sincePlaced(this.timelineAtMs! + toMs(firstAudibleSample)),
        endedMs: sincePlaced(this.endedAtMs),
      },
      sent: {
        packets: this.sentPackets,
        skippedPackets: this.skippedPackets,
        untakenPackets: this.untakenPackets,
        marks: this.sentMarks,
        stops: this.sentStops,
        lateness: this.sendLateness.summary(),
      },
      received: {
        packets: this.receivedPackets,
        offSizePackets: this.offSizePackets,
        marks: this.receivedMarks,
        clears: this.clears,
        mismatchedStreamIds: this.mismatchedStreamIds,
        onewayMessages: this.onewayMessages,
        messagesAfterStop: this.messagesAfterStop,
        packetsAfterStop: this.packetsAfterStop,
        invalidMessages: Object.values(this.invalidByCause).reduce((total, count) => total + count, 0),
        invalidByCause: { ...this.invalidByCause },
        lateness: this.receiveLateness.summary(),
        jitterMs: this.jitterMs,
      },
      playout: {
        gaps: playout.gaps,
        longestGapMs: toMs(playout.longestGapSamples),
        playedMs: toMs(playout.playedSamples),
        clearedMs: toMs(playout.clearedSamples),
        droppedMs: toMs(playout.droppedSamples),
        unheardMs: toMs(this.#retired.bufferedSamples),
        droppedMarks: playout.droppedMarks,
      },
    };
  }
}

type PlayoutFigures = Pick<
  PlaybackBuffer,
  | "gaps"
  | "longestGapSamples"
  | "playedSamples"
  | "clearedSamples"
  | "droppedSamples"
  | "bufferedSamples"
  | "droppedMarks"
  | "firstAudibleSample"
>;

const noPlayout: PlayoutFigures = {
  gaps: 0,
  longestGapSamples: 0,
  playedSamples: 0,
  clearedSamples: 0,
  droppedSamples: 0,
  bufferedSamples: 0,
  droppedMarks: 0,
  firstAudibleSample: null,
};

function plus(a: PlayoutFigures, b: PlayoutFigures): PlayoutFigures {
  return {
    gaps: a.gaps + b.gaps,
    longestGapSamples: Math.max(a.longestGapSamples, b.longestGapSamples),
    playedSamples: a.playedSamples + b.playedSamples,
    clearedSamples: a.clearedSamples + b.clearedSamples,
    droppedSamples: a.droppedSamples + b.droppedSamples,
    bufferedSamples: a.bufferedSamples + b.bufferedSamples,
    droppedMarks: a.droppedMarks + b.droppedMarks,
    firstAudibleSample: a.firstAudibleSample ?? b.firstAudibleSample,
  };
}
