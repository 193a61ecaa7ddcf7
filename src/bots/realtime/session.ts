import type { Tool } from "../../pipecat/index.ts";
import type { RealtimeSettings, RealtimeTurnDetection } from "./options.ts";

/** Rate of the service's PCM16, the only one it has; Wavix's too. */
export const REALTIME_SAMPLE_RATE = 24_000;

/** `session` of a `session.update`. */
export function sessionOf(settings: RealtimeSettings, tools: readonly Tool[]): Record<string, unknown> {
  const { instructions, voice, transcriptionModel, language } = settings;
  const format = { type: "audio/pcm", rate: REALTIME_SAMPLE_RATE };
  const transcription =
    transcriptionModel === null ? null : { model: transcriptionModel, ...(language === undefined ? {} : { language }) };
  return {
    type: "realtime",
    output_modalities: ["audio"],
    instructions,
    audio: {
      input: { format, transcription, turn_detection: turnDetectionOf(settings.turnDetection) },
      output: { format, voice },
    },
    tools: tools.map(({ name, description, parameters }) => ({ type: "function", name, description, parameters })),
    tool_choice: "auto",
  };
}

function turnDetectionOf(detection: RealtimeTurnDetection): Record<string, unknown> {
  // The service cancels what it is saying by itself, which is faster than to be told so.
  const always = { create_response: true, interrupt_response: true };
  if (detection.type === "semantic_vad") {
    return { type: detection.type, ...always, eagerness: detection.eagerness ?? "auto" };
  }
  const given = {
    threshold: detection.threshold,
    prefix_padding_ms: detection.prefixPaddingMs,
    silence_duration_ms: silenceMsOf(detection),
    idle_timeout_ms: detection.idleTimeoutMs,
  };
  return { type: detection.type, ...always, ...given };
}

/** Silence that has gone by when a turn is over; not known where the words decide. */
export function silenceMsOf(detection: RealtimeTurnDetection): number {
  return detection.type === "server_vad" ? (detection.silenceDurationMs ?? 500) : 0;
}
