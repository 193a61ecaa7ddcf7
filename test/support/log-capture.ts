import { Arrivals } from "./arrivals.ts";

/** A line of the server's log. */
export interface LogLine {
  level: number;
  msg: string;
  callId?: string;
  endedBy?: string;
  reason?: string;
  error?: { name: string; code?: string; message: string };
  drops?: Record<string, number>;
  [field: string]: unknown;
}

/** A stream for pino to write to. */
export class LogCapture {
  text = "";
  readonly #lines = new Arrivals<LogLine>();

  get lines(): readonly LogLine[] {
    return this.#lines.all;
  }

  write(line: string): void {
    this.text += line;
    this.#lines.add(JSON.parse(line));
  }

  /** The first line with this message that is, or will be, there; of one call where there are several. */
  line(msg: string, callId?: string): Promise<LogLine> {
    return this.#lines.first((line) => line.msg === msg && (callId === undefined || line.callId === callId));
  }

  count(msg: string): number {
    return this.lines.filter((line) => line.msg === msg).length;
  }
}
