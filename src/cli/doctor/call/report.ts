import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { behaviourOf, type Point } from "./findings.ts";
import type { RestFact } from "./rest-probe.ts";
import type { Watch } from "./watch.ts";

/** What is written down of a call. */
export interface CallReportParts {
  readonly startedAt: Date;
  readonly points: readonly Point[];
  readonly rest: readonly RestFact[];
  readonly timeline: Watch["timeline"];
  /** Why the script, or the bot's call, did not come to its end; undefined when it did. */
  readonly cutShort: string | undefined;
}

/** As a person reads it. */
export function markdownOf({ startedAt, points, rest, timeline, cutShort }: CallReportParts): string {
  const { found, differs } = behaviourOf(points);
  const code = (switches: object) =>
    Object.entries(switches)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      .join(", ");
  const lines = [
    `# What Wavix did on a call, ${startedAt.toISOString()}`,
    "",
    "Written by `pipecat-wavix doctor --call`. No numbers, ids, keys, addresses, and nothing of what was said.",
    ...(cutShort === undefined ? [] : ["", `**Cut short:** ${cutShort}. What is missing below was not seen.`]),
  ];
  for (const [i, { title, findings }] of points.entries()) {
    lines.push("", `## ${i + 1}. ${title}`, "");
    if (findings.length === 0) {
      lines.push("Not seen.");
      continue;
    }
    lines.push("| question | answer | switch of the simulator |", "|---|---|---|");
    for (const { question, answer, switches } of findings) {
      const set = code(switches);
      lines.push(`| ${cell(question)} | ${cell(answer)} | ${set === "" ? "" : `\`${cell(set)}\``} |`);
    }
  }
  lines.push("", "## A simulator like it", "", "```ts", "await createWavixSimulator({");
  lines.push(`  behaviour: { ${code(differs)} },`, "});", "```", "");
  lines.push(`${Object.keys(found).length} switches were seen; those not named here are as they are by default.`);
  if (rest.length > 0) {
    lines.push("", "## Requests", "", "| request | status | ms | text |", "|---|---|---|---|");
    for (const { request, status, tookMs, text } of rest) {
      lines.push(`| ${request} | ${status ?? "no answer"} | ${tookMs} | ${cell(text)} |`);
    }
  }
  lines.push("", "## In its order", "", "```text");
  for (const { ms, what } of timeline) lines.push(`${(ms / 1_000).toFixed(3).padStart(8)}  ${what}`);
  lines.push("```", "");
  return lines.join("\n");
}

/** As a program reads it. */
export function jsonOf({ startedAt, points, rest, timeline, cutShort }: CallReportParts): object {
  const { found, differs } = behaviourOf(points);
  return {
    format: "pipecat-wavix-call-report",
    version: 1,
    startedAt: startedAt.toISOString(),
    complete: cutShort === undefined,
    ...(cutShort === undefined ? {} : { cutShort }),
    behaviour: found,
    differs,
    points,
    requests: rest.map(({ json: _, ...fact }) => fact),
    timeline,
  };
}

/**
 * Writes both, readable by their owner only.
 *
 * @returns their paths
 * @throws Error when they cannot be written
 */
export async function writeReport(folder: string, parts: CallReportParts): Promise<{ markdown: string; json: string }> {
  const name = `wavix-call-${parts.startedAt.toISOString().replace(/[-:]|\.\d+/g, "")}`;
  const paths = { markdown: join(folder, `${name}.md`), json: join(folder, `${name}.json`) };
  await writeFile(paths.markdown, markdownOf(parts), { mode: 0o600 });
  await writeFile(paths.json, `${JSON.stringify(jsonOf(parts), null, 2)}\n`, { mode: 0o600 });
  return paths;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
