/** The library: frames, serializer, codec. Runs in Node, browsers and workers. */
export * from "./codec/index.ts";
export * from "./pipecat/index.ts";
export * from "./wavix/wire/index.ts";
