/** Something that goes wrong when a client connects. */
type ConnectFault =
  /** The upgrade is answered with this status: 401, 429, 503 … */
  | { readonly kind: "status"; readonly status: number }
  /** The TCP connection is cut instead of an answer. */
  | { readonly kind: "refuse" }
  /** The upgrade is never answered. */
  | { readonly kind: "hang" };

/** Something that goes wrong once `afterMs` of audio were heard on a connection. */
type StreamFault =
  /** The connection is closed with a code. */
  | { readonly kind: "close"; readonly afterMs: number; readonly code: number; readonly reason?: string }
  /** The connection is cut without a word. */
  | { readonly kind: "cut"; readonly afterMs: number }
  /** It takes what it is sent and never says anything any more, not even goodbye. */
  | { readonly kind: "mute"; readonly afterMs: number }
  /** It says this, whatever it is: malformed, unknown, out of place. */
  | { readonly kind: "say"; readonly afterMs: number; readonly text: string };

/** A scripted fault. `attempt`: which attempt to connect it strikes, from 0; without it the next, or "every". */
export type DeepgramFault = (ConnectFault | StreamFault) & { readonly attempt?: number | "every" };

type Planned = DeepgramFault & { readonly attempt: number | "every" };

const CONNECT_KINDS: readonly string[] = ["status", "refuse", "hang"];

/** The faults of a stand-in and the attempts they wait for. */
export class DeepgramFaults {
  #planned: Planned[] = [];
  attempts = 0;

  add(fault: DeepgramFault): void {
    this.#planned.push({ ...fault, attempt: fault.attempt ?? this.attempts });
  }

  clear(): void {
    this.#planned = [];
  }

  /** A client connects: what strikes it at once, and what strikes it later, by the time. */
  next(): { connect: ConnectFault | undefined; stream: StreamFault[] } {
    const attempt = this.attempts++;
    const due = this.#planned.filter((fault) => fault.attempt === attempt || fault.attempt === "every");
    this.#planned = this.#planned.filter((fault) => fault.attempt === "every" || fault.attempt > attempt);
    const stream = due.filter((fault): fault is Planned & StreamFault => !CONNECT_KINDS.includes(fault.kind));
    return {
      connect: due.find((fault): fault is Planned & ConnectFault => CONNECT_KINDS.includes(fault.kind)),
      stream: stream.sort((a, b) => a.afterMs - b.afterMs),
    };
  }
}

export type { ConnectFault, StreamFault };
