import { z } from "zod";
import type { CallEvent } from "./call-event.ts";
import { isCallId } from "./call-id.ts";
import { parseCallEvent } from "./webhook.ts";

/** OpenAPI SuccessResponse. @internal */
export const success = z.object({ success: z.literal(true) });

/** OpenAPI Call: the same object that comes by webhook. */
const call = z.unknown().transform((value, context): CallEvent => {
  const parsed = parseCallEvent(value);
  if (parsed.ok) return parsed.event;
  context.addIssue({ code: "custom", message: parsed.reason });
  return z.NEVER;
});

/** OpenAPI CallResponse. @internal */
export const callAnswer = success.extend({ call });

/** OpenAPI CallListResponse. @internal */
export const callsAnswer = success.extend({ calls: z.array(call) });

/** OpenAPI CallStreamResponse. @internal */
export const streamAnswer = success.extend({ stream_id: z.string().refine(isCallId) });
