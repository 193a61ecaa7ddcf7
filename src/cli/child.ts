import { type ChildProcess, fork } from "node:child_process";

/** How long a child may take to go when it is told to. */
const GO_MS = 5_000;

/** A process of this package's own, told and listened to by messages. What it logs goes to standard error. */
export class Child<Told, Says> {
  /** Why it is gone, in words. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;

  /** @param script a file of this folder, without its ending */
  constructor(script: string, onMessage: (message: Says) => void, execArgv: readonly string[] = []) {
    this.#process = fork(new URL(`./${script}.js`, import.meta.url), {
      execArgv: [...process.execArgv, ...execArgv],
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#process.on("message", (message) => onMessage(message as Says));
    this.exited = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve(error.message));
      this.#process.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  tell(message: Told): void {
    if (this.#process.connected) this.#process.send(message as object, () => undefined);
  }

  /** Lets it go, and gives what {@link exited} does; one that stays is killed. */
  async end(): Promise<string> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), GO_MS);
    const why = await this.exited;
    clearTimeout(timer);
    return why;
  }
}

/**
 * In a child: listens to its parent. A terminal sends Ctrl-C to all processes; a child leaves it to its parent what that
 * means, and goes when that one is gone.
 *
 * @param onParentGone default: the process ends
 */
export function listenToParent<Told>(
  onMessage: (message: Told) => void,
  onParentGone: () => void = () => process.exit(),
): void {
  process.on("SIGINT", () => undefined);
  process.on("message", (message) => onMessage(message as Told));
  process.once("disconnect", onParentGone);
}

/** In a child: says something to its parent, if that is still there. */
export function sayToParent<Says>(message: Says): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
