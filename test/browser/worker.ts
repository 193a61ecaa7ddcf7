import { answer, answerAtOnce, type Setup } from "./place.ts";

addEventListener("message", async ({ data }: MessageEvent<{ setup: Setup; atOnce: boolean }>) => {
  const { setup, atOnce } = data;
  postMessage(atOnce ? answerAtOnce(setup) : await answer(setup));
});
