import { CodecError } from "./errors.ts";

/** What runs the codec: WebAssembly with or without SIMD, or plain JavaScript. All give the same bits. */
export type CodecVariant = "simd" | "scalar" | "js";

/**
 * `WebAssembly.Module`, for TypeScript projects that know it (those with the DOM library), else any object.
 * Written so that a project for Node alone need not know it.
 */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object;

/** A module whose only function uses SIMD: valid where SIMD is. `(func (result v128) (i8x16.splat (i32.const 0)))` */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

/** @throws CodecError `CODEC_UNSUPPORTED` */
export function assertWebAssembly(): void {
  if (typeof WebAssembly !== "object") {
    throw new CodecError("CODEC_UNSUPPORTED", 'this engine has no WebAssembly; use variant "auto" or "js"');
  }
}

/**
 * Whether it is the main thread of a page in Chromium before 115, which neither compiles nor instantiates more than 4 kB
 * at once. Both are RangeErrors, as is a lack of memory.
 */
export function refusedOnMainThread(cause: unknown): boolean {
  return cause instanceof RangeError && cause.message.includes("disallowed on the main thread");
}

/** What such a page is told. */
export function mainThreadRefused(cause: unknown): CodecError {
  const message = 'this page may not load WebAssembly at once; use loadCodec, which waits, or variant "js"';
  return new CodecError("CODEC_UNSUPPORTED", message, { cause });
}

/** For an engine that has WebAssembly and does not let it run: what to do about it. */
export function compilationRefused(variant: CodecVariant, cause: unknown): CodecError {
  if (refusedOnMainThread(cause)) return mainThreadRefused(cause);
  const message =
    `this engine refuses to compile the ${variant} variant; allow script-src 'wasm-unsafe-eval' in the page's ` +
    'Content-Security-Policy, bring a compiled module (option "module"), or use variant "auto" or "js"';
  return new CodecError("CODEC_UNSUPPORTED", message, { cause });
}

/**
 * The variant to load: what was asked for, or the fastest that the engine can run.
 *
 * @throws CodecError `CODEC_UNSUPPORTED`
 */
export function chooseVariant(wanted: "auto" | CodecVariant): CodecVariant {
  if (wanted !== "auto" && wanted !== "simd" && wanted !== "scalar" && wanted !== "js") {
    throw new TypeError(`variant must be "auto", "simd", "scalar" or "js", got ${JSON.stringify(wanted)}`);
  }
  if (wanted === "js" || (wanted === "auto" && typeof WebAssembly !== "object")) return "js";
  assertWebAssembly();
  if (wanted === "scalar") return "scalar";
  const simd = WebAssembly.validate(SIMD_PROBE);
  if (wanted === "simd" && !simd) {
    throw new CodecError("CODEC_UNSUPPORTED", 'this engine has no WebAssembly SIMD; use variant "auto" or "scalar"');
  }
  return simd ? "simd" : "scalar";
}
