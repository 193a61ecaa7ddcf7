// The worker of one contestant. Each has its own, so that none meets code that the engine has shaped for another.
import { type Codec, loadCodec } from "../../codec/index.ts";
import { createWork, type Work } from "./contestants.ts";
import { type ContestantName, type Row, rowId } from "./plan.ts";
import { measureQuality } from "./quality.ts";
import type { Answer, Question } from "./questions.ts";
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

function answer(question: Question): unknown {
  switch (question.ask) {
    case "load":
      return load(question.name);
    case "prove":
      return workOf(question.row).work.prove();
    case "quality": {
      const { inputRate, outputRate, profile } = question.row;
      const resampler = (codec as Codec).createResampler(inputRate, outputRate, { profile });
      const quality = measureQuality(resampler);
      resampler.close();
      return quality;
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
