export { checkTools } from "./check-tools.ts";
export { endCallTool } from "./end-call.ts";
export type { ToolOutcome } from "./tool-outcome.ts";
export { runTools, type ToolRoundOptions } from "./tool-round.ts";
