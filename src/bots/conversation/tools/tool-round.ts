import type { Frame, LLMToolCall, Tool, ToolRun } from "../../../pipecat/index.ts";
import { errorOutcome, pendingOutcome, resultOutcome, type ToolOutcome } from "./tool-outcome.ts";

const TIMEOUT_MS = 10_000;
const MAX_CALLS = 16;

export interface ToolRoundOptions {
  readonly calls: readonly LLMToolCall[];
  readonly tools: readonly Tool[];
  /** Aborts when the caller interrupts. */
  readonly interruption: AbortSignal;
  /** Aborts when the pipeline is over. */
  readonly over: AbortSignal;
  /** For the tools: whether anything was said in this answer, if that is known. */
  readonly hasWords?: boolean;
  /** Takes the frames of a tool. */
  pushFrame(frame: Frame, tool: Tool): void | Promise<void>;
  /** Given every call's outcome, once; in the very moment of an interruption, since the next turn may follow at once. */
  onSettled(outcomes: readonly ToolOutcome[]): void;
  /** Given the outcome of a tool that went on over an interruption. */
  onLate(outcome: ToolOutcome): void;
}

/**
 * Runs what a model has called in one answer, side by side, each with its time limit.
 *
 * @returns the outcomes, none of them pending; or null when the caller interrupted
 */
export async function runTools(options: ToolRoundOptions): Promise<readonly ToolOutcome[] | null> {
  const { calls, interruption, over, onSettled, onLate } = options;
  const outcomes: ToolOutcome[] = calls.map(pendingOutcome);
  const ends = calls.map(() => new AbortController());
  let interrupted = false;
  const onInterruption = () => {
    interrupted = true;
    for (const [index, call] of calls.entries()) {
      if (outcomes[index]?.kind !== "pending" || toolOf(call, options)?.cancelOnInterruption === false) continue;
      outcomes[index] = errorOutcome(call, "cancelled: the caller interrupted", "cancelled");
      ends[index]?.abort(new Error("the caller interrupted"));
    }
    onSettled([...outcomes]);
  };
  const onOver = () => {
    for (const end of ends) end.abort(new Error("the call is over"));
  };
  if (interruption.aborted || over.aborted) return null;
  interruption.addEventListener("abort", onInterruption, { once: true });
  over.addEventListener("abort", onOver, { once: true });
  await Promise.all(
    calls.map(async (call, index) => {
      const end = ends[index] as AbortController;
      const outcome =
        index < MAX_CALLS
          ? await runTool(call, end, options)
          : errorOutcome(call, `not run: at most ${MAX_CALLS} calls at once`);
      if (outcomes[index]?.kind !== "pending") return;
      outcomes[index] = outcome;
      if (interrupted) onLate(outcome);
    }),
  );
  interruption.removeEventListener("abort", onInterruption);
  over.removeEventListener("abort", onOver);
  if (interrupted) return null;
  onSettled(outcomes);
  return outcomes;
}

const toolOf = ({ function: { name } }: LLMToolCall, { tools }: ToolRoundOptions) =>
  tools.find((tool) => tool.name === name);

/** Runs one; settles at the latest when its time is up or `end` aborts. Never rejects. */
async function runTool(call: LLMToolCall, end: AbortController, options: ToolRoundOptions): Promise<ToolOutcome> {
  const tool = toolOf(call, options);
  if (tool === undefined) return errorOutcome(call, `there is no function "${call.function.name}"`);
  let args: unknown;
  try {
    // Of a function without parameters models send nothing at all.
    args = JSON.parse(call.function.arguments.trim() === "" ? "{}" : call.function.arguments);
  } catch (error) {
    return errorOutcome(call, `the arguments are not JSON, call it again: ${(error as Error).message}`);
  }
  if (typeof args !== "object" || args === null || Array.isArray(args)) {
    return errorOutcome(call, "the arguments must be a JSON object, call it again");
  }

  const { timeoutMs = TIMEOUT_MS } = tool;
  const timer = setTimeout(() => end.abort(new ToolTimeout(`not finished within ${timeoutMs} ms`)), timeoutMs);
  const ended = new Promise<never>((_, reject) => {
    end.signal.addEventListener("abort", () => reject(end.signal.reason), { once: true });
  });
  let isOver = false;
  const run: ToolRun = {
    signal: end.signal,
    ...(options.hasWords === undefined ? {} : { hasWords: options.hasWords }),
    pushFrame: (frame) => (isOver ? undefined : options.pushFrame(frame, tool)),
  };
  try {
    return resultOutcome(call, await Promise.race([(async () => tool.run(args, run))(), ended]));
  } catch (error) {
    if (error instanceof ToolTimeout) return errorOutcome(call, error, "timeout");
    return errorOutcome(call, error, end.signal.aborted ? "cancelled" : "error");
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}

class ToolTimeout extends Error {}
