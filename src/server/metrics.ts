import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { LATENESS_BUCKETS_MS } from "../call/index.ts";
import type { Admission } from "./admission.ts";
import { DURATION_BUCKETS_MS, durationsByLabels } from "./bot-durations.ts";
import type { CallHost } from "./call-host.ts";
import type { CallTotals } from "./call-totals.ts";
import { noFigures } from "./figures.ts";
import { histogram } from "./histogram.ts";
import type { LoopDelay } from "./loop-delay.ts";

/** Where the figures come from. */
export interface MetricsSource {
  readonly host: Pick<CallHost, "size" | "figures">;
  readonly totals: CallTotals;
  readonly admission: Admission;
  readonly loopDelay: LoopDelay;
  readonly maxCalls: number;
  /** Requests that were turned away, by `kind reason`. */
  readonly refusedRequests: ReadonlyMap<string, number>;
  /** Records that could not be written. */
  readonly lostRecords: () => number;
  /** Figures that only some servers have. */
  readonly addMetrics?: ((registry: Registry) => void) | undefined;
}

/** What Node has to say of the process: of all servers in it, and never to be stopped. */
let processMetrics: Registry | undefined;

/**
 * The figures of a server for Prometheus. They are read off plain numbers when somebody asks; docs/operations.md says what
 * each means.
 *
 * @returns what makes the text of one scrape
 */
export function createMetrics(source: MetricsSource): () => Promise<{ contentType: string; text: string }> {
  const { host, totals, admission, loopDelay, refusedRequests } = source;
  const registry = new Registry();
  let figures = noFigures();
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  /** A counter whose values are counted elsewhere. */
  const counter = <T extends string>(
    name: string,
    help: string,
    labelNames: T[],
    values: () => Iterable<[Record<T, string>, number]>,
  ) =>
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of values()) this.inc(labels as never, value);
      },
    });
  gauge("wavix_calls_active", "Calls that are up now.", () => host.size);
  gauge("wavix_calls_limit", "Calls that may be up at once.", () => source.maxCalls);
  gauge("wavix_ready", "1 when one more call would be taken.", () => (admission.obstacles().length === 0 ? 1 : 0));
  counter("wavix_calls_total", "Calls that have ended.", ["ended_by", "reason"], function* () {
    for (const [ended_by, reasons] of totals.ended) {
      for (const [reason, count] of reasons) yield [{ ended_by, reason }, count];
    }
  });
  counter("wavix_calls_refused_total", "Calls that there was no room for.", ["reason"], function* () {
    for (const [reason, count] of Object.entries(admission.refused)) yield [{ reason }, count];
  });
  counter("wavix_requests_refused_total", "Webhooks and upgrades turned away.", ["kind", "reason"], function* () {
    for (const [key, count] of refusedRequests) {
      const [kind = "", reason = ""] = key.split(" ");
      yield [{ kind, reason }, count];
    }
  });
  counter("wavix_packets_total", "Packets of 20 ms, from the caller and to the caller.", ["direction"], () => [
    [{ direction: "in" }, figures.packetsIn],
    [{ direction: "out" }, figures.packetsOut],
  ]);
  counter(
    "wavix_messages_dropped_total",
    "Messages, packets and frames that came to nothing.",
    ["cause"],
    function* () {
      for (const [cause, count] of Object.entries(figures.dropped)) yield [{ cause }, count];
    },
  );
  counter("wavix_bot_events_total", "What bots have counted.", ["event"], function* () {
    for (const [event, count] of Object.entries(figures.botEvents)) yield [{ event }, count];
  });
  counter("wavix_interruptions_total", "Barge-ins.", [], () => [[{}, figures.interruptions]]);
  counter("wavix_starvations_total", "Gaps in mid-utterance.", [], () => [[{}, figures.starvations]]);
  counter("wavix_call_records_lost_total", "Call detail records not written.", [], () => [[{}, source.lostRecords()]]);
  counter("wavix_trace_lines_lost_total", "Lines that traces did not get.", [], () => [[{}, figures.traceLinesLost]]);
  counter("wavix_calls_untraced_total", "Calls for whose trace there was no room.", [], () => [
    [{}, figures.callsUntraced],
  ]);
  registry.registerMetric(
    histogram(
      "wavix_outbound_lateness_seconds",
      "Of each write of audio, how long its caller had run dry in mid-utterance; 0 for one in time.",
      LATENESS_BUCKETS_MS,
      () => [[{}, figures.lateness]],
    ),
  );
  registry.registerMetric(
    histogram("wavix_bot_duration_seconds", "What bots have reported of durations.", DURATION_BUCKETS_MS, () =>
      durationsByLabels(figures.botDurations),
    ),
  );
  new Gauge({
    name: "wavix_event_loop_delay_seconds",
    help: "How late the event loop ran what was due, in the last second.",
    labelNames: ["quantile"],
    registers,
    collect() {
      const { p50, p90, p99 } = loopDelay.quantilesMs;
      for (const [quantile, ms] of Object.entries({ "0.5": p50, "0.9": p90, "0.99": p99 })) {
        this.set({ quantile }, ms / 1_000);
      }
    },
  });

  if (processMetrics === undefined) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics });
  }
  const ofProcess = processMetrics;
  source.addMetrics?.(registry);
  return async () => {
    figures = await host.figures();
    return { contentType: registry.contentType, text: (await registry.metrics()) + (await ofProcess.metrics()) };
  };
}
