import type { CodecVariant } from "../../src/codec/index.ts";
import { codecPeer, VARIANTS } from "./codec.ts";
import { libsampleratePeer } from "./libsamplerate.ts";
import { linearPeer } from "./linear.ts";
import { isInstalled, PACKAGES, type PackageName } from "./packages.ts";
import type { Peer } from "./peer.ts";
import { speexResamplerPeer } from "./speex-resampler.ts";
import { speexWasmPeer } from "./speex-wasm.ts";
import { waveResamplerPeer } from "./wave-resampler.ts";

const LOADERS: Record<PackageName, () => Promise<Peer>> = {
  "speex-resampler": speexResamplerPeer,
  "@echogarden/speex-resampler-wasm": speexWasmPeer,
  "@alexanderolsen/libsamplerate-js": libsampleratePeer,
  "wave-resampler": waveResamplerPeer,
};

/** The names of all that can run in this process: the variants first. */
export const peerNames = (): string[] => [...VARIANTS, ...PACKAGES.filter(isInstalled), linearPeer.name];

/** Loads one by its name. */
export async function loadPeer(name: string): Promise<Peer> {
  if (name === linearPeer.name) return linearPeer;
  const load = LOADERS[name as PackageName];
  return load === undefined ? codecPeer(name as CodecVariant) : load();
}
