/** What happened with the service; counts that only rise. In `/metrics` their names begin with `realtime_`. */
export interface RealtimeCounters {
  connections: number;
  connections_lost: number;
  malformed_messages: number;
  /** Error events that left the session as it was. */
  errors: number;
  /** Caller's audio that no session heard, in ms. */
  dropped_audio_ms: number;
  responses: number;
  responses_failed: number;
  /** Longer than two minutes ahead of the caller: cut. */
  answers_too_long: number;
  /** Audio of an answer that was interrupted, dropped. */
  late_deltas: number;
  truncations: number;
  tool_calls: number;
  tool_errors: number;
}

export function newCounters(): RealtimeCounters {
  return {
    connections: 0,
    connections_lost: 0,
    malformed_messages: 0,
    errors: 0,
    dropped_audio_ms: 0,
    responses: 0,
    responses_failed: 0,
    answers_too_long: 0,
    late_deltas: 0,
    truncations: 0,
    tool_calls: 0,
    tool_errors: 0,
  };
}
