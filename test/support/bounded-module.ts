import { readFileSync } from "node:fs";

const MEMORY_SECTION = 5;

function varint(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

/** The built codec with a memory that ends at so many pages, fewer than 128: what an engine does that has no more. */
export function boundedModule(variant: "simd" | "scalar", pages: number): WebAssembly.Module {
  const bytes = readFileSync(`build/codec.${variant}.wasm`);
  for (let at = 8; at < bytes.length; ) {
    const [length, body] = varint(bytes, at + 1);
    const end = body + length;
    if (bytes[at] === MEMORY_SECTION) {
      const [initial] = varint(bytes, body + 2);
      // One memory, with a maximum: where it begins and where it ends.
      const section = [MEMORY_SECTION, 4, 1, 1, initial, pages];
      return new WebAssembly.Module(Buffer.concat([bytes.subarray(0, at), Buffer.from(section), bytes.subarray(end)]));
    }
    at = end;
  }
  throw new Error("the module has no memory of its own");
}
