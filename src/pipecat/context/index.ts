export * from "./llm-context.ts";
export * from "./tool.ts";
