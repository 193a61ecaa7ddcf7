import { noise } from "../support/noise.ts";
import { type Answer, answer, answerAtOnce, type Setup } from "./place.ts";

export type Place = "page" | "worker" | "worklet";

/** What a test says; a module cannot come from Node, so it is named. */
export interface Request {
  readonly variant?: Setup["variant"];
  /** Compile this one in the page and pass it on. */
  readonly module?: "simd" | "scalar";
  /** By `loadCodecSync`, where there is a choice. */
  readonly atOnce?: boolean;
}

async function setupOf({ variant, module }: Request): Promise<Setup> {
  if (module === undefined) return variant === undefined ? {} : { variant };
  return { module: await WebAssembly.compileStreaming(fetch(`/build/codec.${module}.wasm`)) };
}

function inWorker(setup: Setup, atOnce: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/test/browser/worker.ts", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
    worker.postMessage({ setup, atOnce });
  });
}

async function inWorklet(context: BaseAudioContext, setup: Setup) {
  await context.audioWorklet.addModule("/test/browser/worklet.ts");
  const node = new AudioWorkletNode(context, "exerciser", { processorOptions: setup });
  const message = new Promise<{ answer: Answer; missing: string[] }>((resolve, reject) => {
    node.port.onmessage = ({ data }) => resolve(data);
    node.onprocessorerror = () => reject(new Error("the processor failed"));
  });
  return { node, message };
}

const calls = {
  async ask(place: Place, request: Request): Promise<Answer> {
    const setup = await setupOf(request);
    const atOnce = request.atOnce ?? false;
    if (place === "worker") return inWorker(setup, atOnce);
    if (place === "page") return atOnce ? answerAtOnce(setup) : answer(setup);
    const { message } = await inWorklet(new OfflineAudioContext(1, 128, 48000), setup);
    return (await message).answer;
  },

  /** What a live graph gives when noise is played through the worklet, and what its thread lacks. */
  async render(request: Request, length: number): Promise<{ samples: number[]; missing: string[] }> {
    const context = new OfflineAudioContext(1, length, 48000);
    const { node, message } = await inWorklet(context, await setupOf(request));
    const { missing } = await message;
    const buffer = context.createBuffer(1, length, 48000);
    buffer.copyToChannel(
      Float32Array.from(noise(length), (sample) => sample / 32768),
      0,
    );
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(node).connect(context.destination);
    source.start();
    const rendered = (await context.startRendering()).getChannelData(0);
    return { samples: [...rendered.filter((_, i) => i % 2 === 0)], missing };
  },

  /** The same in a context that plays in real time. */
  async askPlaying(request: Request): Promise<Answer> {
    const context = new AudioContext({ sampleRate: 48000 });
    const { node, message } = await inWorklet(context, await setupOf(request));
    node.connect(context.destination);
    await context.resume();
    const { answer } = await message;
    await context.close();
    return answer;
  },
};

export type Calls = typeof calls;
Object.assign(globalThis, { calls });
document.body.dataset.ready = "";
