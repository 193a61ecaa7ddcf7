import { byId } from "./elements.ts";
import type { Environment } from "./environment.ts";
import type { Results } from "./results.ts";
import { rounded } from "./text.ts";

/** Figures, and what they need beside them to mean something. */
export interface Figures {
  readonly environment: Environment;
  readonly rounds: number;
  /** Step of the browser's clock. */
  readonly clockStepMs: number;
  /** Length of the batches that were timed. */
  readonly batchMs: number;
  readonly results: Results;
}

/** Lets the two buttons download, or copy, the figures as they are when pressed; undefined: none yet. */
export function connectButtons(figures: () => Figures | undefined): void {
  byId("download").addEventListener("click", () => {
    const now = figures();
    if (now === undefined) return;
    const { results, ...about } = now;
    const json = JSON.stringify({ ...about, ...results.toJson() }, rounded, 2);
    saveAs("pipecat-wavix-bench.json", new Blob([`${json}\n`], { type: "application/json" }));
  });
  const copy = byId("copy");
  copy.addEventListener("click", async () => {
    const now = figures();
    if (now === undefined) return;
    const { browser, engine, system, cores } = now.environment;
    const title = `pipecat-wavix codec, ${browser} (${engine}) on ${system}, ${cores} cores, ${now.rounds} rounds`;
    const copied = await copyText(`${title}\n\n${now.results.toText()}\n`);
    copy.textContent = copied ? "Copied" : "Copying was refused";
    setTimeout(() => {
      copy.textContent = "Copy as text";
    }, 2_000);
  });
}

function saveAs(fileName: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  // Not at once: the browser may not have begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The clipboard is there in secure contexts only, which are https and this machine; elsewhere the old way may do. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
