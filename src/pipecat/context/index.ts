export * from "./aggregators.ts";
export { AssistantContext } from "./assistant-context.ts";
export type { BargeInOptions } from "./barge-in.ts";
export { concatenateText } from "./concatenate-text.ts";
export * from "./llm-context.ts";
export * from "./tool.ts";
export { UserContext, type UserContextListener } from "./user-context.ts";
