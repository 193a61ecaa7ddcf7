import { describe, expect, it } from "vitest";
import { concatenateText } from "../../src/pipecat/index.ts";

describe("pieces of speech", () => {
  it.each([
    [["Hello,", "Ms. Ng!", "It costs", "$20 now."], "Hello, Ms. Ng! It costs $20 now."],
    [["こんにちは。", "元気", "ですか。"], "こんにちは。元気ですか。"],
    [["你好，", "Tom！", "欢迎", "来到", "Berlin", "。"], "你好，Tom！欢迎来到 Berlin 。"],
    [["안녕하세요.", "반갑습니다."], "안녕하세요. 반갑습니다."],
    [["他说：", "「好」", "「不好」"], "他说：「好」「不好」"],
    [["", "Yes.", ""], "Yes."],
    [[], ""],
  ])("%j are %j", (pieces, text) => {
    expect(concatenateText(pieces)).toBe(text);
  });
});
