import type { Tool } from "../../../pipecat/index.ts";

/**
 * The tools of a bot, and somebody's own beside them; one of these takes the place of the bot's that has its name.
 *
 * @example
 * withOwn([endCallTool()], [openingHours]).map(({ name }) => name); // ["end_call", "opening_hours"]
 */
export function withOwn(tools: readonly Tool[], own: readonly Tool[]): Tool[] {
  const names = new Set(own.map(({ name }) => name));
  return [...tools.filter(({ name }) => !names.has(name)), ...own];
}
