import type { Behaviour, CallEventType } from "./behaviour.ts";

/** The Call object of Wavix (OpenAPI: `Call`), as webhooks and REST send it. */
export interface WavixCall {
  uuid?: string;
  id?: string;
  direction: "inbound";
  event_type: CallEventType;
  event_time: string;
  event_payload: Record<string, unknown> | null;
  from: string;
  to: string;
  call_started: string;
  call_answered: string | null;
  call_completed: string | null;
  machine_detected: boolean;
  tag: string;
}

/** What Wavix knows of a call, and how it writes it down. */
export class CallState {
  readonly id: string;
  readonly #ids: Pick<WavixCall, "id" | "uuid">;
  readonly #call: Omit<WavixCall, "id" | "uuid">;

  constructor(id: string, from: string, to: string, behaviour: Behaviour) {
    this.id = id;
    this.#ids = {
      ...(behaviour.callIdFields === "id" ? {} : { uuid: id }),
      ...(behaviour.callIdFields === "uuid" ? {} : { id }),
    };
    const now = new Date().toISOString();
    this.#call = {
      direction: "inbound",
      event_type: "call_setup",
      event_time: now,
      event_payload: null,
      from,
      to,
      call_started: now,
      call_answered: null,
      call_completed: null,
      machine_detected: false,
      tag: "",
    };
  }

  set tag(tag: string) {
    this.#call.tag = tag;
  }

  answered(): void {
    this.#call.call_answered = new Date().toISOString();
  }

  ended(): void {
    this.#call.call_completed = new Date().toISOString();
  }

  /** Notes the latest event and returns the call as its webhook sends it. */
  event(event: CallEventType, payload: Record<string, unknown> | null = null): WavixCall {
    this.#call.event_type = event;
    this.#call.event_time = new Date().toISOString();
    this.#call.event_payload = payload;
    return this.toWire();
  }

  toWire(): WavixCall {
    return { ...this.#ids, ...this.#call };
  }
}
