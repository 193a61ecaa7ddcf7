import { type ChildProcess, fork } from "node:child_process";

interface Question {
  readonly ask: string;
  readonly with?: unknown;
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** In a child: answers what {@link Child.ask} asks. It ends with its parent. */
export function answer(answers: Record<string, (given: unknown) => unknown>): void {
  process.on("message", async ({ ask, with: given }: Question) => {
    try {
      process.send!({ value: await answers[ask]!(given) });
    } catch (error) {
      process.send!({ error: (error as Error).stack });
    }
  });
  process.on("disconnect", () => process.exit());
}

/** A process that is asked one thing after the other. */
export class Child {
  readonly #process: ChildProcess;

  /** @param script a file of build/bench */
  constructor(script: string, argv: readonly string[] = [], execArgv: readonly string[] = []) {
    this.#process = fork(`build/bench/${script}`, argv, { execArgv: [...execArgv] });
  }

  /** @throws Error when the child could not, or is gone */
  ask<T>(question: string, given?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const exited = () => reject(new Error(`a process of the bench ended while it was to ${question}`));
      this.#process.once("exit", exited);
      this.#process.once("message", ({ value, error }: Answer) => {
        this.#process.off("exit", exited);
        if (error === undefined) resolve(value as T);
        else reject(new Error(error));
      });
      this.#process.send({ ask: question, with: given });
    });
  }

  close(): void {
    this.#process.disconnect();
  }
}
