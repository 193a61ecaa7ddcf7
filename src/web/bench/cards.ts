import { html } from "./elements.ts";
import { CONTESTANT_NAMES, type ContestantName } from "./plan.ts";
import type { Results } from "./results.ts";

const TITLES = { simd: "WASM SIMD", scalar: "WASM scalar", js: "JavaScript" } as const;

type VariantName = Exclude<ContestantName, "usual">;

/** One large figure per variant: how many calls a core carries. */
export class CallCards {
  readonly #cards: readonly { name: VariantName; count: HTMLElement; beside: HTMLElement }[];

  constructor(list: HTMLElement) {
    this.#cards = CONTESTANT_NAMES.filter((name) => name !== "usual").map((name) => {
      return { name, count: html("dd", "", "–"), beside: html("dd", "") };
    });
    list.replaceChildren(
      ...this.#cards.map(({ name, count, beside }) =>
        html("div", `card ${name}`, html("dt", "", TITLES[name]), count, beside),
      ),
    );
  }

  update(results: Results): void {
    const js = results.callsPerCore("js");
    for (const { name, count, beside } of this.#cards) {
      const calls = results.callsPerCore(name);
      if (calls === undefined) continue;
      count.textContent = calls.toLocaleString("en");
      beside.textContent = js === undefined || name === "js" ? "" : `${(calls / js).toFixed(1)} × JS`;
    }
  }
}
