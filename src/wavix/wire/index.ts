export type { DropCause, SerializerCounters } from "./counters.ts";
export * from "./handshake.ts";
export type { HandshakeSocket } from "./inbox.ts";
export * from "./messages.ts";
export * from "./serializer.ts";
