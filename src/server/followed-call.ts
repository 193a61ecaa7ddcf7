import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { WavixRestClient } from "../wavix/control/index.ts";
import type { CallRecord } from "./call-record.ts";
import type { CallTrace } from "./call-trace.ts";

/** A trace, and the name of its file. */
export interface MadeTrace {
  readonly trace: CallTrace;
  readonly name: string;
}

/** One call, as its trace needs it: whether it has one, or may get one at any time. */
export class FollowedCall {
  readonly #make: (midCall: boolean) => MadeTrace | undefined;
  readonly #sockets = new Map<WebSocket, Duplex>();
  #made: MadeTrace | undefined;
  #over = false;

  constructor(make: (midCall: boolean) => MadeTrace | undefined) {
    this.#make = make;
  }

  /**
   * Traces the call from now on, if it is not traced yet.
   *
   * @returns the name of the file; undefined when there is no room for one
   */
  begin(midCall = true): string | undefined {
    if (this.#made === undefined && !this.#over) {
      this.#made = this.#make(midCall);
      for (const [socket, rawSocket] of this.#sockets) this.#made?.trace.socket(socket, rawSocket);
    }
    return this.#made?.name;
  }

  socket(socket: WebSocket, rawSocket: Duplex): void {
    this.#sockets.set(socket, rawSocket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#made?.trace.socket(socket, rawSocket);
  }

  webhook(event: string): void {
    this.#made?.trace.webhook(event);
  }

  /** The same client; what it does is seen. */
  rest(client: WavixRestClient): WavixRestClient {
    return new Proxy(client, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...argv: unknown[]) => this.#seen(String(name), () => Reflect.apply(member, target, argv));
      },
    });
  }

  async #seen(operation: string, run: () => Promise<unknown>): Promise<unknown> {
    const startedAtMs = performance.now();
    let outcome = "ok";
    try {
      return await run();
    } catch (error) {
      const { code } = error as { code?: unknown };
      outcome = typeof code === "string" ? code : "failed";
      throw error;
    } finally {
      this.#made?.trace.rest(operation, outcome, performance.now() - startedAtMs);
    }
  }

  end(record: CallRecord): void {
    this.#over = true;
    this.#made?.trace.end(record);
  }
}
