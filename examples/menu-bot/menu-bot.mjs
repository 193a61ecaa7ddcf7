// A bot without a language model: it plays a menu, waits for keys, and answers with recordings.
//
//   npm start -- --bot ./examples/menu-bot/menu-bot.mjs
//   npm run call -- --digits 19                            (in another terminal: the caller presses 1, then 9)
import {
  EndWhenHeardFrame,
  FrameProcessor,
  InterruptionFrame,
  OutputAudioRawFrame,
  pipeline,
  StartFrame,
  TTSStoppedFrame,
} from "pipecat-wavix";
import { readWavFile } from "pipecat-wavix/simulator";
import { DigitCollector } from "pipecat-wavix/transport";

const recording = (name) => readWavFile(new URL(`prompts/${name}.wav`, import.meta.url));
const menu = recording("menu");
const again = recording("again");
const bye = recording("bye");
const answers = { 1: recording("hours"), 2: recording("way") };

const MAX_MISSES = 3;

/** One processor is enough: it starts with the call, speaks by pushing frames, and ends the call when it was heard. */
class Menu extends FrameProcessor {
  #keys;

  constructor(keys) {
    super();
    this.#keys = keys;
  }

  processFrame(frame, direction, run) {
    // Not awaited: the menu goes on for the whole call, and other frames want to pass.
    if (frame instanceof StartFrame) this.#serve().catch((error) => this.pushError(error.message, { fatal: true }));
    return run.pushFrame(frame, direction);
  }

  async #serve() {
    for (let misses = 0; misses < MAX_MISSES; ) {
      await this.#play(menu);
      const { digits } = await this.#keys.collect({ maxDigits: 1, timeoutSeconds: 30 });
      // Whoever has pressed a key knows the menu: it falls silent, here and at Wavix.
      if (digits !== "") this.broadcastFrame(() => new InterruptionFrame());
      if (digits === "9") break;
      const answer = answers[digits];
      if (answer === undefined) misses++;
      await this.#play(answer ?? again);
    }
    await this.#play(bye);
    await this.pushFrame(new EndWhenHeardFrame({ reason: "goodbye" }));
  }

  async #play({ samples, sampleRate }) {
    await this.pushFrame(new OutputAudioRawFrame({ audio: samples, sampleRate }));
    await this.pushFrame(new TTSStoppedFrame());
  }
}

/** @param {import("pipecat-wavix/transport").Call} call */
export default function menuBot(call) {
  const keys = new DigitCollector(call);
  return pipeline([call.input(), keys, new Menu(keys), call.output()]).run();
}
