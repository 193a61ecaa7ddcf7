export * from "./context/index.ts";
export * from "./conversation-frames.ts";
export * from "./frames.ts";
export * from "./pipeline/index.ts";
