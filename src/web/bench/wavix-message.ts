/** A media message as Wavix writes it, the n-th of its stream, before it is made text. */
export function wavixMessage(streamId: string, payload: string, index: number) {
  return {
    event: "media",
    event_time: "2024-01-15T10:30:01Z",
    call_id: "0b6c8a52-6f0e-4d8b-9a3f-2f1f2b9f8f11",
    stream_id: streamId,
    sequence_number: index + 2,
    media: { payload, track: "inbound", timestamp: 160 * (index + 1), chunk: index + 1 },
  };
}
