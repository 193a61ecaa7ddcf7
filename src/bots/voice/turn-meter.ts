import {
  ErrorFrame,
  type FramePushed,
  InterruptionFrame,
  LLMTextFrame,
  MetricsFrame,
  TTSAudioRawFrame,
  TTSStartedFrame,
  UserContext,
  UserStoppedSpeakingFrame,
} from "../../pipecat/index.ts";
import type { TurnFigures } from "../conversation/turn-figures.ts";

interface Moments {
  readonly speechEnded: number;
  readonly turnOver: number;
  firstToken?: number;
  firstSentence?: number;
  firstAudio?: number;
}

/** Measures the turns of a conversation by the frames that go through its pipeline. */
export class TurnMeter {
  readonly #onTurn: (figures: TurnFigures) => void;
  #turn: Moments | undefined;

  constructor(onTurn: (figures: TurnFigures) => void) {
    this.#onTurn = onTurn;
  }

  /** A frame goes from one processor to the next. The first of a kind counts: those behind see it later. */
  pushed({ source, frame }: Pick<FramePushed, "source" | "frame">): void {
    const nowMs = performance.now();
    if (frame instanceof UserStoppedSpeakingFrame) {
      // It comes out of there when it was the end of a turn, and not of a cough.
      if (source instanceof UserContext) this.#turn = { speechEnded: frame.speechEndedAtMs ?? nowMs, turnOver: nowMs };
      return;
    }
    const turn = this.#turn;
    if (turn === undefined) return;
    if (frame instanceof LLMTextFrame) turn.firstToken ??= nowMs;
    else if (frame instanceof TTSStartedFrame) turn.firstSentence ??= nowMs;
    else if (frame instanceof TTSAudioRawFrame) turn.firstAudio ??= nowMs;
    else if (frame instanceof InterruptionFrame && turn.firstAudio === undefined) this.#turn = undefined;
    // What is heard now is an apology.
    else if (frame instanceof ErrorFrame) this.#turn = undefined;
    else if (frame instanceof MetricsFrame) {
      const heard = frame.data.find(({ name }) => name === "firstAudioHeardAtMs");
      if (heard === undefined || turn.firstAudio === undefined) return;
      this.#turn = undefined;
      this.#onTurn(figuresOf(turn, Math.max(heard.value, turn.firstAudio)));
    }
  }
}

function figuresOf(turn: Moments, heard: number): TurnFigures {
  const { speechEnded, turnOver, firstToken, firstSentence, firstAudio } = turn;
  const shares: Record<string, number | undefined> = {
    sttMs: between(speechEnded, turnOver),
    llmMs: between(turnOver, firstSentence),
    llmFirstTokenMs: between(turnOver, firstToken),
    ttsMs: between(firstSentence, firstAudio),
    playoutMs: between(firstAudio, heard),
  };
  const known = Object.entries(shares).filter(([, ms]) => ms !== undefined);
  return { answerMs: heard - speechEnded, ...Object.fromEntries(known) };
}

function between(begin: number | undefined, end: number | undefined): number | undefined {
  return begin === undefined || end === undefined ? undefined : Math.max(0, end - begin);
}
