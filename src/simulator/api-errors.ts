import type { Behaviour } from "./behaviour.ts";
import type { ApiOperation } from "./faults.ts";

/** A reply of the REST side. */
export interface Reply {
  status: number;
  body: Record<string, unknown> | readonly unknown[];
}

/** Wavix's error replies, in the texts of either generation. */
export class ApiErrors {
  readonly #texts: Behaviour["errorTexts"];

  constructor(texts: Behaviour["errorTexts"]) {
    this.#texts = texts;
  }

  unauthorized(): Reply {
    const body =
      this.#texts === "2026-06"
        ? { success: false, error: true, message: "Unauthorized" }
        : { success: false, message: "Access Denied" };
    return { status: 401, body };
  }

  notFound(operation: ApiOperation | null, callId: string): Reply {
    return { status: 404, body: { success: false, message: this.#notFoundText(operation, callId) } };
  }

  #notFoundText(operation: ApiOperation | null, callId: string): string {
    if (this.#texts === "2026-06" || operation === null) return "Record not found";
    if (operation === "hangUp") return `Call ${callId} not found`;
    return operation === "answerCall" ? `Call with ID=${callId} not found` : "Call not found";
  }

  invalid(errors: Record<string, string>): Reply {
    return { status: 400, body: { success: false, message: "Validation error", errors } };
  }

  // Wavix OpenAPI: `errors` is "absent when the request body could not be parsed at all".
  notJson(): Reply {
    return { status: 400, body: { success: false, message: "Invalid JSON format" } };
  }
}
