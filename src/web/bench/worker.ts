// The worker of one contestant. Each has its own, so that none meets code that the engine has shaped for another.
import { type Codec, loadCodec } from "../../codec/index.ts";
import { createWork, type Work } from "./contestants.ts";
import { type ContestantName, type ResampleRow, type Row, rowId } from "./plan.ts";
import { type Convert, measureQuality } from "./quality.ts";
import type { Answer, Question } from "./questions.ts";
import { forgetSines } from "./signals.ts";
import { clockStepMs, Stopwatch } from "./stopwatch.ts";

const now = () => performance.now();
const works = new Map<string, { work: Work; stopwatch: Stopwatch }>();
let codec: Codec | null = null;

async function load(name: ContestantName): Promise<number> {
  codec = name === "usual" ? null : await loadCodec({ variant: name });
  return clockStepMs(now);
}

function workOf(row: Row) {
  const id = rowId(row);
  let known = works.get(id);
  if (known === undefined) {
    const work = createWork(row, codec);
    known = { work, stopwatch: new Stopwatch((count) => work.run(count), now) };
    works.set(id, known);
  }
  return known;
}

/** A new stream for each signal. */
function convertBy(codec: Codec, { inputRate, outputRate, profile }: ResampleRow): Convert {
  return (chunks) => {
    const resampler = codec.createResampler(inputRate, outputRate, { profile });
    const outputs = chunks.map((chunk) => resampler.process(chunk));
    resampler.close();
    return outputs;
  };
}

function answer(question: Question): unknown {
  switch (question.ask) {
    case "load":
      return load(question.name);
    case "prove":
      return workOf(question.row).work.prove();
    case "quality": {
      const quality = measureQuality(convertBy(codec as Codec, question.row), question.row);
      return quality.finally(forgetSines);
    }
    case "time":
      return workOf(question.row).stopwatch.measure(question.batchMs);
  }
}

addEventListener("message", async ({ data }: MessageEvent<{ id: number; question: Question }>) => {
  const { id, question } = data;
  let reply: Answer;
  try {
    reply = { id, value: await answer(question) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  postMessage(reply);
});
