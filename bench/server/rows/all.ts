import { bareWs } from "./bare-ws.ts";
import { product, type Stage } from "./product.ts";
import { rawTcp } from "./raw-tcp.ts";
import { usual } from "./usual.ts";

export const ROW_NAMES = ["raw-tcp", "bare-ws", "usual", "echo-24k", "echo-16k", "speech-24k", "speech-16k"] as const;
export type RowName = (typeof ROW_NAMES)[number];

/** Rate of the bot's audio, in Hz; undefined for the rows that are not the product. */
export function botRate(name: RowName): number | undefined {
  return name.endsWith("-24k") ? 24_000 : name.endsWith("-16k") ? 16_000 : undefined;
}

/** Opens the server of a row; its port. */
export function openRow(name: RowName, stage: Stage): Promise<number> {
  if (name === "raw-tcp") return rawTcp();
  if (name === "bare-ws") return bareWs();
  if (name === "usual") return usual();
  return product(name.startsWith("echo") ? "echo" : "speech", botRate(name)!, stage);
}
