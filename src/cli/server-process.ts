import { UsageError } from "./arguments.ts";
import { Child } from "./child.ts";
import type { Holdings, ServerChildOptions, ServerChildSays, ServerChildTold } from "./server-child.ts";

/** A server in a process of its own, for the time of a test. */
export class ServerProcess {
  readonly webhook: string;
  readonly #child: Child<ServerChildTold, ServerChildSays>;
  readonly #answers: ((message: ServerChildSays) => void)[];
  /** Why it is gone, once it is. */
  gone: string | undefined;

  private constructor(
    webhook: string,
    child: Child<ServerChildTold, ServerChildSays>,
    answers: ((message: ServerChildSays) => void)[],
  ) {
    this.webhook = webhook;
    this.#child = child;
    this.#answers = answers;
    void child.exited.then((why) => {
      this.gone = why;
    });
  }

  /**
   * @throws UsageError for a bot that there is not
   * @throws Error for what else keeps it from starting
   */
  static async start(options: ServerChildOptions, execArgv: readonly string[] = []): Promise<ServerProcess> {
    const answers: ((message: ServerChildSays) => void)[] = [];
    const child = new Child<ServerChildTold, ServerChildSays>(
      "server-child",
      (message) => answers.shift()?.(message),
      execArgv,
    );
    const started = new Promise<ServerChildSays>((resolve) => answers.push(resolve));
    child.tell({ start: options });
    const message = await Promise.race([started, child.exited]);
    if (typeof message !== "string" && "listens" in message) return new ServerProcess(message.listens, child, answers);
    await child.end();
    if (typeof message === "string" || !("refused" in message)) {
      throw new Error(`the server's process did not start: ${message}`);
    }
    throw message.isMistake ? new UsageError(message.refused) : new Error(message.refused);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Null when the process is gone. */
  async holdings(): Promise<Holdings | null> {
    const message = await this.#ask({ ask: "holdings" });
    return message !== null && "holdings" in message ? message.holdings : null;
  }

  /** Ends all calls and the server in the process. */
  async close(): Promise<void> {
    await this.#ask({ close: true });
  }

  /** Lets the process go, and tells how it went. */
  end(): Promise<string> {
    return this.#child.end();
  }

  async #ask(question: ServerChildTold): Promise<ServerChildSays | null> {
    if (this.gone !== undefined) return null;
    const answer = new Promise<ServerChildSays>((resolve) => this.#answers.push(resolve));
    this.#child.tell(question);
    return Promise.race([answer, this.#child.exited.then(() => null)]);
  }
}
