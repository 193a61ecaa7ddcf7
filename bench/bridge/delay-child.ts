// delay-child: callers and bots in one process, beside the server between them.
import { answer } from "../server/child.ts";
import { DelayProbe } from "./delay-probe.ts";

const probe = new DelayProbe();

answer({
  listen: () => probe.listen(),
  measure(given) {
    const { port, calls, seconds, untilMs } = given as Record<"port" | "calls" | "seconds" | "untilMs", number>;
    return probe.measure(port!, calls!, seconds!, untilMs!);
  },
});
