import { History, heardText, messageItem } from "./history.ts";
import type { Speech } from "./mouth.ts";

export interface MemoryOptions {
  /** To the present session, when there is one that listens. */
  send(event: Record<string, unknown>): void;
  isReady(): boolean;
  onTruncated(): void;
}

/** A sentence takes about so long for each of its characters. */
const MS_PER_CHARACTER = 65;

/**
 * What the model is to remember: what the caller said, and of the answers what was heard. The service remembers what it
 * has made; what was cut off is taken back there, and the next session is told the rest.
 */
export class Memory {
  readonly #options: MemoryOptions;
  readonly #history = new History();
  /** Speech of the present session that is not over, by its item. */
  readonly #speeches = new Map<string, Speech>();
  /** Items of an interrupted response of which more came: the model believes to have said it. */
  readonly #unheard = new Set<string>();
  /** Items of sessions that are gone, still being heard: the present one was told all of them. */
  readonly #carried = new Set<string>();
  /** The item that was cut off last. */
  #takenBack: string | undefined;
  #toldCount = 0;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  /** Whether it is known what is to be answered. */
  get isLastKnown(): boolean {
    return this.#history.isLastKnown;
  }

  /** The conversation so far, for `conversation.item.create`. */
  get items(): readonly Record<string, unknown>[] {
    return this.#history.items;
  }

  /** An item begins; what it says, may be known later. */
  begin(itemId: string, role: "user" | "assistant"): void {
    this.#history.begin(itemId, role);
  }

  userSaid(itemId: string, text: string): void {
    this.#history.set(itemId, text);
  }

  /** Tells the model something that nobody has said, in this session and those behind it. */
  tell(text: string): void {
    const itemId = `told_${++this.#toldCount}`;
    this.#history.begin(itemId, "system");
    this.#history.set(itemId, text);
    if (this.#options.isReady()) this.#create(messageItem("system", text));
  }

  // ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Those that are not over, by their items. */
  get speeches(): ReadonlyMap<string, Speech> {
    return this.#speeches;
  }

  /** The speech of an item, from its first audio or its first words on. */
  speechOf(itemId: string): Speech {
    const known = this.#speeches.get(itemId);
    if (known !== undefined) return known;
    const speech: Speech = { itemId, transcript: "", receivedMs: 0, isComplete: false, isCut: false };
    this.#speeches.set(itemId, speech);
    return speech;
  }

  /** The service has made all of it. Undefined: there is nothing to be heard. */
  done(itemId: string): Speech | undefined {
    const speech = this.#speeches.get(itemId);
    if (speech === undefined || speech.isComplete) return undefined;
    if (speech.receivedMs === 0) {
      this.#speeches.delete(itemId);
      return undefined;
    }
    this.#history.set(itemId, speech.transcript);
    return speech;
  }

  /** Audio came that nobody is to hear. */
  late(itemId: string): void {
    if (itemId !== this.#takenBack && !this.#speeches.has(itemId)) this.#unheard.add(itemId);
  }

  /** A response is over: what came late of it is taken back. */
  forgetLate(): void {
    for (const itemId of this.#unheard) this.#takeBack(itemId, 0);
    this.#unheard.clear();
  }

  /** So much of it was heard, and no more will be. @returns that in words, and whether it is but a part */
  heard(speech: Speech, heardMs: number, interrupted: boolean): { text: string; isPart: boolean } | undefined {
    const { itemId, transcript, isCut } = speech;
    if (itemId === undefined) return undefined;
    const isPart = interrupted || isCut;
    const text = isPart ? heardText(transcript, heardMs, durationMsOf(speech)) : transcript.trim();
    this.#history.set(itemId, text);
    // Of a session that is gone there is nothing to be put right.
    const isOfSession = this.#speeches.delete(itemId);
    if (isPart && isOfSession) {
      this.#takenBack = itemId;
      this.#takeBack(itemId, heardMs);
    }
    if (this.#carried.delete(itemId) && interrupted) this.#putRight(itemId, text);
    return { text, isPart };
  }

  /** The session is gone. @returns the speech that it has not made to its end */
  lost(): Speech[] {
    const cut: Speech[] = [];
    for (const [itemId, speech] of this.#speeches) {
      this.#carried.add(itemId);
      if (speech.isComplete) continue;
      speech.isCut = true;
      this.#history.set(itemId, heardText(speech.transcript, speech.receivedMs, durationMsOf(speech)));
      cut.push(speech);
    }
    this.#speeches.clear();
    this.#unheard.clear();
    return cut;
  }

  /** What the caller has not heard goes out of the model's memory. */
  #takeBack(itemId: string, heardMs: number): void {
    const audioEndMs = Math.floor(heardMs);
    if (audioEndMs > 0) {
      this.#options.onTruncated();
      this.#options.send({
        type: "conversation.item.truncate",
        item_id: itemId,
        content_index: 0,
        audio_end_ms: audioEndMs,
      });
    } else this.#delete(itemId);
  }

  /** A session that was told of something before it was heard is told how much of it was. */
  #putRight(itemId: string, text: string): void {
    if (!this.#options.isReady()) return;
    if (text !== "") this.#create(messageItem("assistant", text), itemId);
    this.#delete(itemId);
  }

  #create(item: Record<string, unknown>, behind?: string): void {
    const place = behind === undefined ? {} : { previous_item_id: behind };
    this.#options.send({ type: "conversation.item.create", ...place, item });
  }

  #delete(itemId: string): void {
    this.#options.send({ type: "conversation.item.delete", item_id: itemId });
  }
}

/** How long a stretch of speech is; of one that is not complete its text is ahead of its audio. */
function durationMsOf({ transcript, receivedMs, isComplete, isCut }: Speech): number {
  return isComplete && !isCut ? receivedMs : Math.max(receivedMs, transcript.length * MS_PER_CHARACTER);
}
