import { statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type CallRecording, writeWav } from "../simulator/index.ts";
import { UsageError } from "./arguments.ts";

/**
 * Looks at `--save` before there is a call that it would be too late for.
 *
 * @throws UsageError when there is no such folder
 */
export function checkSave(file: string | undefined): void {
  if (file === undefined || statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`--save ${file}: there is no such folder`);
}

/** Writes what the caller heard, where `--save` asks for it. What keeps it from that goes to `problems`. */
export function saveHeard(file: string | undefined, recording: CallRecording | null, problems: string[]): void {
  if (file === undefined || recording === null) return;
  try {
    writeFileSync(file, writeWav(recording.heard, recording.sampleRate));
  } catch (error) {
    problems.push(`--save ${file}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
