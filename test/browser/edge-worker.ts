import scalar from "../../build/codec.scalar.wasm";
import simd from "../../build/codec.simd.wasm";
import { answer, answerAtOnce, type Setup } from "./place.ts";

const modules: Record<string, WebAssembly.Module> = { simd, scalar };

export default {
  async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const module = modules[searchParams.get("module") ?? ""];
    const variant = searchParams.get("variant") as Setup["variant"] | null;
    const setup: Setup = module === undefined ? { variant: variant ?? "auto" } : { module };
    return Response.json(searchParams.has("atOnce") ? answerAtOnce(setup) : await answer(setup));
  },
};
