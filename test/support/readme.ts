import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The fenced blocks of one language, in order. Those that stand in a list are indented: not taken. */
export function fencedBlocks(language: string): string[] {
  const blocks = readme.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm);
  return [...blocks].filter(([, fence]) => fence === language).map(([, , code]) => code as string);
}

/** What stands under a heading of the second level. */
export function section(title: string): string {
  const [, text] = readme.split(`\n## ${title}\n`);
  if (text === undefined) throw new Error(`the README has no section "${title}"`);
  return text.split("\n## ")[0] as string;
}

/** The body of the first table in a text: cells, row by row. */
export function tableRows(text: string): string[][] {
  const lines = text.split("\n");
  const rule = lines.findIndex((line) => /^\|(-+\|)+$/.test(line));
  const end = lines.findIndex((line, i) => i > rule && !line.startsWith("|"));
  return lines.slice(rule + 1, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What a text has between backticks. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
}

/** A program of the README, running. */
export class RunningExample implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  readonly #lines: string[] = [];
  #look: (() => void) | undefined;

  constructor(file: URL, environment: Record<string, string> = {}, argv: string[] = []) {
    const env = { PATH: process.env.PATH ?? "", ...environment };
    this.#child = spawn(process.execPath, [fileURLToPath(file), ...argv], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#exit = once(this.#child, "close");
    void this.#exit.then(() => this.#look?.());
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.#lines.push(line);
      this.#look?.();
    });
  }

  /** The first line of its output that matches, when it comes. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) throw new Error(`it ended without printing ${pattern}`);
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }

  /** All it prints, once it has ended by itself. */
  async output(): Promise<string[]> {
    await this.#exit;
    return this.#lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#exit;
  }
}
