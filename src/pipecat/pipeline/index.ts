export * from "./frame-processor.ts";
export * from "./pipeline.ts";
