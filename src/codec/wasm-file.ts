/**
 * The type of `pipecat-wavix/codec.simd.wasm` and `codec.scalar.wasm` where an import of a `.wasm` file is a compiled
 * module: in edge workers. Only the declaration is shipped.
 *
 * @module
 */
import type { WasmModule } from "./variant.ts";

declare const module: WasmModule;
export default module;
