import { byId, html } from "./elements.ts";
import { PAIRS, pairName, WIRE_RATE } from "./pairs.ts";
import { type Choice, USUAL_PAIRS } from "./plan.ts";

const MAX_ROUNDS = 1_000;
const MAX_BATCH_MS = 2_000;

/** Puts a box for every pair into the form. */
export function addPairBoxes(): void {
  for (const pair of PAIRS) {
    const { inputRate, outputRate } = pair;
    const fromWire = inputRate === WIRE_RATE;
    const box = html("input", "");
    box.type = "checkbox";
    box.name = "pair";
    box.value = pairName(pair);
    box.checked = USUAL_PAIRS.includes(box.value);
    box.setAttribute("aria-label", `${inputRate / 1000} to ${outputRate / 1000} kHz`);
    const label = html("label", "chip", box, html("span", "", `${(fromWire ? outputRate : inputRate) / 1000}`));
    byId(fromWire ? "pairs-from-wavix" : "pairs-to-wavix").append(label);
  }
}

/**
 * What is chosen in the form. The address may ask for other rounds or shorter batches: `?rounds=3&batch=1`, for tests.
 */
export function readChoice(form: HTMLFormElement, query: URLSearchParams): Choice {
  const data = new FormData(form);
  const profiles = data.getAll("profile").filter((name) => name === "default" || name === "low-delay");
  return {
    pairs: data.getAll("pair").map(String),
    profiles,
    messages: data.has("messages"),
    rounds: numberIn(query.get("rounds"), 1, MAX_ROUNDS) ?? Number(data.get("rounds")),
    batchMs: numberIn(query.get("batch"), 0.5, MAX_BATCH_MS),
  };
}

/** A number in a range, or undefined. */
export function numberIn(text: string | null, min: number, max: number): number | undefined {
  const value = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return value >= min && value <= max ? value : undefined;
}
