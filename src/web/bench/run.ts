import { BarChart } from "./bars.ts";
import { CallCards } from "./cards.ts";
import { type ContestEvent, runContest } from "./contest.ts";
import { byId, svg } from "./elements.ts";
import { type Choice, CONTESTANT_NAMES, rowsOf } from "./plan.ts";
import { WorkerRunner } from "./questions.ts";
import { Results } from "./results.ts";
import { describeDots, dotsOf, drawScatter } from "./scatter.ts";

/** One run, from its start to its end or stop, and all that is shown of it. */
export class Run {
  readonly results: Results;
  /** Rounds that are over. */
  rounds = 0;
  clock = { stepMs: 0, batchMs: 0 };
  readonly #choice: Choice;
  readonly #say: (text: string, bad?: boolean) => void;
  readonly #runners = CONTESTANT_NAMES.map((name) => new WorkerRunner(name));
  readonly #bars: readonly BarChart[];
  readonly #cards = new CallCards(byId("calls"));
  readonly #scatter = svg("svg", { class: "scatter", role: "img" });
  readonly #progress = byId<HTMLProgressElement>("progress");
  #done = 0;
  #frame = 0;
  #stopped = false;

  /** @param say tells how it goes */
  constructor(choice: Choice, say: (text: string, bad?: boolean) => void) {
    this.#choice = choice;
    this.#say = say;
    const rows = rowsOf(choice);
    this.results = new Results(rows);
    const resampling = rows.filter(({ kind }) => kind === "resample");
    const messages = rows.filter(({ kind }) => kind !== "resample");
    byId("absent").replaceChildren();
    byId("resampling").hidden = byId("delay").hidden = resampling.length === 0;
    byId("messages").hidden = byId("capacity").hidden = messages.length === 0;
    this.#bars = [new BarChart("Resampling", resampling), new BarChart("Wavix messages", messages)];
    const [first, second] = this.#bars as [BarChart, BarChart];
    byId("resampling-chart").replaceChildren(first.element);
    byId("messages-chart").replaceChildren(second.element);
    byId("delay-chart").replaceChildren(this.#scatter);
  }

  /** Resolves when it is over, however it ends. */
  async run(): Promise<void> {
    this.#say("Checking that all variants give the same bits …");
    try {
      await runContest(this.#choice, this.#runners, (event) => this.#on(event));
      this.#say(`Done: medians of ${this.rounds} rounds.`);
    } catch (error) {
      if (!this.#stopped) this.#say(`Failed: ${(error as Error).message}`, true);
      else this.#say(this.rounds === 0 ? "Stopped." : `Stopped; medians of ${this.rounds} rounds.`);
    } finally {
      for (const runner of this.#runners) runner.close();
      cancelAnimationFrame(this.#frame);
      this.draw();
    }
  }

  /** Ends it now; what was measured stays. */
  stop(): void {
    this.#stopped = true;
    for (const runner of this.#runners) runner.close();
  }

  #on(event: ContestEvent): void {
    const { rows } = this.results;
    switch (event.kind) {
      case "ready":
        this.clock = event;
        break;
      case "absent":
        if (this.#stopped) break;
        for (const bars of this.#bars) bars.markAbsent(event.name);
        byId("absent").append(`${event.name} does not run here: ${event.reason}. `);
        break;
      case "proved":
        if (event.quality !== undefined) this.results.setQuality(event.row, event.quality);
        for (const bars of this.#bars) bars.markProved(event.row, event.agreed.length);
        this.#advance(1 / rows.length);
        break;
      case "warmed":
        if (event.row === rows[0]) this.#say("Warming up …");
        this.#advance(1 / rows.length);
        break;
      case "timed":
        this.results.add(event.row, event.name, event.nsPerPacket);
        break;
      case "round":
        this.rounds = event.round;
        this.#advance(1);
        // Spoken by a screen reader: every round would be a nuisance.
        if (event.round === 1 || event.round % Math.ceil(this.#choice.rounds / 4) === 0) {
          this.#say(`Round ${event.round} of ${this.#choice.rounds}`);
        }
        break;
    }
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
    });
  }

  /** Checking and warming up count as much as a round each. */
  #advance(rounds: number): void {
    this.#done += rounds;
    this.#progress.value = this.#done / (this.#choice.rounds + 2);
  }

  draw(): void {
    for (const bars of this.#bars) bars.update(this.results);
    this.#cards.update(this.results);
    const dots = dotsOf(this.results);
    drawScatter(this.#scatter, dots);
    this.#scatter.setAttribute("aria-label", `Delay against cost. ${describeDots(dots)}`);
  }
}
