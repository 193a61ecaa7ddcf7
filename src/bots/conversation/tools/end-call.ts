import { EndWhenHeardFrame, type Tool, TTSSpeakFrame } from "../../../pipecat/index.ts";

/**
 * Lets the model end the call: when the caller has heard the goodbye. A caller who speaks into it keeps the call.
 *
 * @example
 * const context = new LLMContext({ tools: [endCallTool()] });
 */
export function endCallTool(): Tool {
  return {
    name: "end_call",
    description:
      "Ends the phone call. Call it when the caller says goodbye or wants nothing more. Say a short goodbye in the same answer, before you call it; the line is closed when the caller has heard it.",
    parameters: {
      type: "object",
      // Models tend to call functions without a word beside them, and a call must not end without a goodbye.
      properties: {
        goodbye: {
          type: "string",
          description: "The goodbye, only if you have not said it in this answer. Leave it out otherwise.",
        },
      },
    },
    respondAfter: false,
    async run(args, { pushFrame, hasWords }) {
      const { goodbye } = args as { goodbye?: unknown };
      if (typeof goodbye === "string" && goodbye.trim() !== "") await pushFrame(new TTSSpeakFrame({ text: goodbye }));
      else if (hasWords === false) throw new Error("the caller has heard no goodbye: call it again with one");
      await pushFrame(new EndWhenHeardFrame({ reason: "goodbye" }));
      return { status: "the call ends when the goodbye was heard, unless the caller speaks first" };
    },
  };
}
