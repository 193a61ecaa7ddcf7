import type { CallRecord } from "../server/index.ts";
import type { CallReport } from "../simulator/index.ts";

/** Packets of one direction, all calls together. */
export interface Account {
  sent: number;
  received: number;
  /** What the receiver says it left out. */
  reportedLost: number;
  /** On their way when a socket was cut. */
  onCutSockets: number;
  /** The rest, which nobody can explain. */
  unaccounted: number;
}

/** The books of a soak: what one side has sent is what the other has had, or has said it lost. */
export class Accounts {
  readonly toServer: Account = { sent: 0, received: 0, reportedLost: 0, onCutSockets: 0, unaccounted: 0 };
  readonly fromServer: Account = { sent: 0, received: 0, reportedLost: 0, onCutSockets: 0, unaccounted: 0 };
  /** Calls with a stream of which the server has no record, and records of calls that nobody placed. */
  withoutRecord = 0;
  withoutCall = 0;
  /** Sockets that were cut because their end took too long. */
  slowCloses = 0;
  /** The calls whose books are wrong, at most ten. */
  readonly wrong: string[] = [];
  readonly #records = new Map<string, CallRecord>();

  constructor(records: readonly CallRecord[]) {
    for (const record of records) if (record.callId !== undefined) this.#records.set(record.callId, record);
    this.withoutCall = this.#records.size;
  }

  /** Books one call. */
  add(report: CallReport): void {
    const { callId, sent, received, closedBy, closeCode, streamId } = report;
    const record = this.#records.get(callId);
    if (record === undefined) {
      if (streamId !== null) this.withoutRecord += 1;
      return;
    }
    this.withoutCall -= 1;
    // On purpose, or because the server has taken more than two seconds to close its side.
    const isCut = closeCode === 1006;
    if (isCut && closedBy === "simulator") this.slowCloses += 1;
    const { packetsIn = 0, packetsOut = 0, packetsDuplicated = 0, packetsLate = 0, messagesDropped = 0 } = record;
    const drops = Object.values(record.drops ?? {}).reduce((sum, count) => sum + count, 0);
    const lostIn = packetsDuplicated + packetsLate + messagesDropped + drops;
    const rightIn = book(this.toServer, sent.packets, packetsIn, lostIn, isCut);
    const rightOut = book(this.fromServer, packetsOut, received.packets, received.packetsAfterStop, isCut);
    if ((rightIn && rightOut) || this.wrong.length >= 10) return;
    this.wrong.push(
      `${callId} (${record.endedBy} ${record.reason}): ${sent.packets} sent, ${packetsIn} + ${lostIn} arrived; ` +
        `${packetsOut} sent back, ${received.packets} + ${received.packetsAfterStop} arrived`,
    );
  }
}

function book(account: Account, sent: number, received: number, reportedLost: number, isCut: boolean): boolean {
  const missing = sent - received - reportedLost;
  account.sent += sent;
  account.received += received;
  account.reportedLost += reportedLost;
  if (isCut && missing > 0) account.onCutSockets += missing;
  else account.unaccounted += Math.abs(missing);
  return missing === 0 || (isCut && missing > 0);
}
