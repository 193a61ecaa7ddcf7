// load-child: the callers, in a process of their own; does what it is told.
import { answer } from "./child.ts";
import { Load, type LoadTarget } from "./load.ts";

/** Calls to different servers, by the servers' ports. */
const loads = new Map<number, Load>();
const of = (port: unknown) => loads.get(port as number)!;

answer({
  async open(target) {
    const load = new Load(target as LoadTarget);
    loads.set((target as LoadTarget).port, load);
    await load.open();
  },
  speak: (port) => of(port).speak(),
  hush: (port) => of(port).hush(),
  begin: (port) => of(port).begin(),
  end: (port) => of(port).end(),
  async close(port) {
    const ended = await of(port).close();
    loads.delete(port as number);
    return ended;
  },
});
