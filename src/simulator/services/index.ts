export * from "./cartesia.ts";
export type { CartesiaContextFault, CartesiaDelivery } from "./cartesia-context.ts";
export * from "./cartesia-voice.ts";
