/** What happened on the bridges of a bot; counts that only rise. The names are those of `/metrics`. */
export interface BridgeCounters {
  [event: string]: number;
  /** Sockets to bots that were opened. */
  connections: number;
  /** Bots that could not be connected to: refused, unreachable, too slow. */
  connect_failures: number;
  /** Bots that died in mid-call, or closed the socket with an error. */
  bots_gone: number;
  /** Searches for another bot after that. */
  reconnects: number;
  /** Messages of bots that could not be read. */
  malformed_messages: number;
  /** Messages of bots of a kind that is not known here, and means nothing. */
  unknown_messages: number;
  /** Frames of bots whose audio cannot be played: a rate that the codec has not. */
  unplayable_audio: number;
  /** Frames of an answer that had been interrupted already. */
  stale_audio: number;
  /** Packets of callers that a bot did not take in time, or for which there was none. */
  caller_packets_dropped: number;
  /** What bots asked of Wavix in vain: to hang up, collect or play. */
  requests_failed: number;
}

export function noBridgeCounts(): BridgeCounters {
  return {
    ...{ connections: 0, connect_failures: 0, bots_gone: 0, reconnects: 0 },
    ...{ malformed_messages: 0, unknown_messages: 0, unplayable_audio: 0, stale_audio: 0 },
    ...{ caller_packets_dropped: 0, requests_failed: 0 },
  };
}
