// A process of `load`: a simulated Wavix whose calls are placed by plan.
import {
  type CallOutcome,
  callIdOf,
  createWavixSimulator,
  type LoadPlan,
  type LoadProgress,
  LoadRun,
} from "../simulator/index.ts";
import { listenToParent, sayToParent } from "./child.ts";

export type LoadChildTold = { begin: LoadPlan; process: number } | { stop: true };
export type LoadChildSays =
  | { listens: number }
  | { progress: LoadProgress; cpuMs: number }
  | { ended: CallOutcome }
  | { finished: true };

const PROGRESS_MS = 200;

const simulator = await createWavixSimulator({ maxCalls: 100_000 });
let run: LoadRun | undefined;

listenToParent<LoadChildTold>((message) => {
  if ("stop" in message) run?.stop();
  else void begin(message.begin, message.process);
});
say({ listens: simulator.apiPort });

async function begin(plan: LoadPlan, number: number): Promise<void> {
  run = new LoadRun(simulator, plan, {
    callId: () => callIdOf(number),
    onEnded: (ended) => say({ ended }),
  });
  const timer = setInterval(tellProgress, PROGRESS_MS);
  await run.finished;
  clearInterval(timer);
  tellProgress();
  say({ finished: true });
}

function tellProgress(): void {
  const { user, system } = process.cpuUsage();
  say({ progress: (run as LoadRun).progress(), cpuMs: (user + system) / 1_000 });
}

function say(message: LoadChildSays): void {
  sayToParent(message);
}
