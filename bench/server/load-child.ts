// load-child: the callers, in a process of their own; does what it is told.
import { answer } from "./child.ts";
import { Load, type LoadTarget } from "./load.ts";

let load: Load | undefined;

answer({
  async open(target) {
    load = new Load(target as LoadTarget);
    await load.open();
  },
  begin: () => load!.begin(),
  end: () => load!.end(),
  close: () => load!.close(),
});
