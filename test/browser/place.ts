import * as built from "../../dist/codec/index.js";
import type { Codec, CodecVariant } from "../../src/codec/index.ts";
import { exercise, type Report } from "./exercise.ts";

/** What a place is asked to load. */
export interface Setup {
  readonly variant?: "auto" | CodecVariant;
  readonly module?: WebAssembly.Module;
}

/** The variant that ran and what it gave, or why none did; errors do not travel between threads whole. */
export type Answer =
  | { readonly variant: CodecVariant; readonly report: Report }
  | { readonly error: string; readonly code: string | undefined };

const failure = (error: unknown): Answer => ({ error: String(error), code: (error as { code?: string }).code });

// The built declarations leave out what is internal.
const answerOf = (codec: unknown): Answer => ({
  variant: (codec as Codec).variant,
  report: exercise(codec as Codec),
});

/** With `loadCodec`. */
export async function answer(setup: Setup): Promise<Answer> {
  try {
    return answerOf(await built.loadCodec(setup));
  } catch (error) {
    return failure(error);
  }
}

/** With `loadCodecSync`. */
export function answerAtOnce(setup: Setup): Answer {
  try {
    return answerOf(built.loadCodecSync(setup));
  } catch (error) {
    return failure(error);
  }
}
