// The benchmark page: a form that starts and stops runs, one at a time.
import { CallCards } from "./cards.ts";
import { addPairBoxes, readChoice } from "./choice.ts";
import { byId } from "./elements.ts";
import { describeBrowser } from "./environment.ts";
import { connectButtons } from "./keep.ts";
import { rowsOf } from "./plan.ts";
import { Run } from "./run.ts";

const query = new URLSearchParams(location.search);
const environment = describeBrowser(navigator.userAgent, navigator.hardwareConcurrency);
const form = byId<HTMLFormElement>("form");
const choiceFields = byId<HTMLFieldSetElement>("choice");
const startButton = byId<HTMLButtonElement>("start");
const keepButtons = [byId<HTMLButtonElement>("download"), byId<HTMLButtonElement>("copy")];

/** The run whose figures are on the page. */
let run: Run | undefined;
let running = false;

function say(text: string, bad = false): void {
  const status = byId("status");
  status.textContent = text;
  status.toggleAttribute("data-bad", bad);
}

async function start(): Promise<void> {
  const choice = readChoice(form, query);
  if (rowsOf(choice).length === 0) {
    say("Choose a pair of rates and a profile, or the messages.", true);
    return;
  }
  show(true);
  run = new Run(choice, say);
  await run.run();
  show(false);
}

function show(isRunning: boolean): void {
  running = isRunning;
  choiceFields.disabled = isRunning;
  startButton.textContent = isRunning ? "Stop" : "Start again";
  startButton.toggleAttribute("data-running", isRunning);
  for (const button of keepButtons) button.disabled = isRunning || run === undefined || run.rounds === 0;
}

addPairBoxes();
new CallCards(byId("calls"));
connectButtons(() => {
  if (run === undefined) return undefined;
  const { results, rounds, clock } = run;
  return { environment, rounds, clockStepMs: clock.stepMs, batchMs: clock.batchMs, results };
});
byId("environment").textContent =
  `${environment.browser} (${environment.engine}) on ${environment.system}, ${environment.cores} cores`;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) run?.stop();
  else void start();
});
addEventListener("resize", () => run?.draw());
for (const id of ["resampling", "messages", "delay"]) byId(id).hidden = true;
say("Nothing has been measured yet.");
