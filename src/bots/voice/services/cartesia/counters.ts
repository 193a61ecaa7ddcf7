/** What has happened since the service was made; every number only rises. */
export interface CartesiaCounters {
  /** Contexts that were opened at Cartesia, and those of them that an interruption cancelled. */
  contexts: number;
  cancelled: number;
  /** Utterances that Cartesia did not say, or not to their end. */
  failed: number;
  /** Connections made again, for whatever reason. */
  reconnects: number;
  /** Utterances that went on in a new context after the connection was lost. */
  resumed: number;
  /** Audio of contexts that were over or cancelled: dropped. */
  late_chunks: number;
  /** Messages that could not be read, or are of a type nobody knows: dropped. */
  malformed_messages: number;
  unknown_messages: number;
  /** Sentences beyond the bound of one utterance: not said. */
  dropped_sentences: number;
}

export function newCounters(): CartesiaCounters {
  return {
    contexts: 0,
    cancelled: 0,
    failed: 0,
    reconnects: 0,
    resumed: 0,
    late_chunks: 0,
    malformed_messages: 0,
    unknown_messages: 0,
    dropped_sentences: 0,
  };
}
