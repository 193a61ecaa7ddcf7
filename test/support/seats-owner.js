// A process with bots, for tests that end it: says the ids of its bot and the bot's child, then does as it is told.
import { commandSeats } from "../../dist/bots/pipecat/seats/index.js";

// Also what keeps this process alive.
process.stdin.on("data", (word) => {
  if (String(word) === "throw") throw new Error("as if something had gone wrong");
  if (String(word) === "exit") process.exit();
});

const seats = commandSeats({ command: process.argv[2] });
for await (const { url } of seats.offer({}, new AbortController().signal)) {
  const about = await (await fetch(url.replace("ws:", "http:"))).json();
  console.log(JSON.stringify([about.pid, about.grandchild]));
  break;
}
