import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { freePort } from "../../test/support/free-port.ts";

const SCRIPT = resolve("bench/bridge/python_original.py");
const OFFLINE = resolve("test/interop/bots/offline");
const START_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 100;
const ANSWER_LIMIT_MS = 5_000;
const MAX_PRINTED = 4_000;

/** `python_original.py` in a process of its own, which ends with this one. */
export class PythonProcess {
  readonly port: number;
  readonly #process: ChildProcess;
  #printed = "";

  private constructor(python: string, port: number) {
    this.port = port;
    const env = { ...process.env, PYTHONPATH: OFFLINE, PYTHONDONTWRITEBYTECODE: "1", NO_COLOR: "1" };
    this.#process = spawn(python, [SCRIPT, String(port)], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const output of [this.#process.stdout!, this.#process.stderr!]) {
      output.setEncoding("utf8").on("data", (text: string) => {
        this.#printed = (this.#printed + text).slice(-MAX_PRINTED);
      });
    }
    this.#process.on("error", (error) => {
      this.#printed += error.message;
    });
    process.on("exit", this.#kill);
  }

  /** @throws Error with what it has printed when it does not come up */
  static async start(python: string): Promise<PythonProcess> {
    const started = new PythonProcess(python, await freePort());
    const untilMs = performance.now() + START_LIMIT_MS;
    for (;;) {
      const isUp = await started.cpuUs().then(
        () => true,
        () => false,
      );
      if (isUp) return started;
      if (started.#process.exitCode !== null || performance.now() > untilMs) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    started.close();
    throw new Error(`${SCRIPT} does not come up:\n${started.#printed}`);
  }

  /** CPU time, user and system, that the process has used so far, in µs. */
  async cpuUs(): Promise<number> {
    const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const response = await fetch(`http://127.0.0.1:${this.port}/cpu`, { signal });
    return ((await response.json()) as { cpuUs: number }).cpuUs;
  }

  close(): void {
    process.off("exit", this.#kill);
    this.#kill();
  }

  readonly #kill = () => void this.#process.kill("SIGKILL");
}
