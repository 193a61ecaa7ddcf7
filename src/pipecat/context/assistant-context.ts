import { LLMFullResponseEndFrame, TTSTextFrame } from "../conversation-frames.ts";
import { CancelFrame, EndFrame, type Frame, InterruptionFrame, TTSStoppedFrame } from "../frames.ts";
import { type FrameDirection, FrameProcessor, type ProcessRun } from "../pipeline/index.ts";
import { concatenateText } from "./concatenate-text.ts";
import type { LLMContext } from "./llm-context.ts";

/**
 * Writes into the context what the caller has heard of an answer. Stands behind `call.output()`, which lets pass what was
 * heard; of an answer that was interrupted only its beginning becomes part of the conversation.
 */
export class AssistantContext extends FrameProcessor {
  readonly #context: LLMContext;
  readonly #onMessage: ((text: string, interrupted: boolean) => void) | undefined;
  #heard: string[] = [];

  constructor(context: LLMContext, onMessage?: (text: string, interrupted: boolean) => void) {
    super();
    this.#context = context;
    this.#onMessage = onMessage;
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (frame instanceof TTSTextFrame) {
      if (frame.appendToContext && frame.text !== "") this.#heard.push(frame.text);
    } else if (
      frame instanceof InterruptionFrame ||
      frame instanceof CancelFrame ||
      frame instanceof LLMFullResponseEndFrame ||
      frame instanceof TTSStoppedFrame ||
      frame instanceof EndFrame
    ) {
      this.#write(frame instanceof InterruptionFrame || frame instanceof CancelFrame);
    }
    return run.pushFrame(frame, direction);
  }

  #write(interrupted: boolean): void {
    if (this.#heard.length === 0) return;
    const content = concatenateText(this.#heard);
    this.#heard = [];
    this.#context.add({ role: "assistant", content });
    this.#onMessage?.(content, interrupted);
  }
}
