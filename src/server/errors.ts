/** What keeps a server from starting, beside the codes of the system. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: "ALREADY_LISTENING" | "CLOSED" | "BAD_PROMPT" | "BAD_CDR" | "BAD_TRACE_DIR" | "BAD_BOT" | "NO_WORKER";

  constructor(code: ServerError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
