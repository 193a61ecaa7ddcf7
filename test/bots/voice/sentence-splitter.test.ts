import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SentenceSplitter } from "../../../src/bots/voice/services/cartesia/sentence-splitter.ts";
import { isSpeakable, speakable } from "../../../src/bots/voice/services/cartesia/speakable.ts";

function split(text: string, cuts: number[] = [], maxChars = 280): string[] {
  const splitter = new SentenceSplitter({ maxChars });
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  const sentences = at.slice(1).flatMap((end, index) => splitter.push(text.slice(at[index], end)));
  return [...sentences, ...splitter.flush()];
}

/** Sentences, written with a bar where one ends. */
const marked = (text: string) => split(text.replaceAll("|", "")).join("|");

describe("the sentence splitter", () => {
  it.each([
    "Hello there. |How are you? |Fine!",
    "It is 3.5 percent. |Really.",
    "Dr. Smith and Mrs. Jones are in. |Ask them.",
    "Fruit, e.g. apples, i.e. food. |Yes.",
    "Well... I think so. |Wait… what?",
    "See https://example.com/a.b?c=d. |Then www.example.org/x.html works. |Ok.",
    "Look at example.com. |Good.",
    "At 5 p.m. tomorrow. |Or at 6 p.m. |Then we close.",
    "Acme Inc. is open. |So is Acme Inc. |They sell it.",
    "No. |I do not. |See No. 5 and No. #6.",
    "J. R. Smith lives in the U.S. today.",
    "1. First point. |2. Second point.",
    "The answer is 42. |Next.",
    'She said "Go." |Then she left (at once.) |Right?! |Yes!!! |Ok.',
    "**Hello there!** |_Done._ |Next.",
    "你好。|今天天气很好！|真的吗？|是",
    "こんにちは。|元気ですか？|はい",
    "क्या हाल है। |ठीक है।",
    "One line\n|Another line\n|\n- a point\n|- b point",
    "Mix. |两个。|Three.",
    "Version 2.0.1 is out. |Get Node.js now. |Use .NET, too.",
    "Vitamin C. is good, etc. and so on, etc. |Next.",
  ])("%j", (text) => {
    expect(marked(text)).toBe(text);
  });

  it("says a sentence as soon as it is certain, not before", () => {
    const splitter = new SentenceSplitter();
    expect(splitter.push("Hello.")).toEqual([]); // «Hello.com» may come
    expect(splitter.push(" ")).toEqual(["Hello. "]);
    expect(splitter.push("At 5 p.m. ")).toEqual([]);
    expect(splitter.push("T")).toEqual(["At 5 p.m. "]);
    expect(splitter.push("om你好。")).toEqual(["Tom你好。"]);
    expect(splitter.push("Line\n")).toEqual(["Line\n"]);
    expect(splitter.flush()).toEqual([]);
  });

  it("cuts a clause without an end: at a comma, else at a space, else within", () => {
    const clauses = split("one two three four five, six seven ".repeat(20), [], 100);
    expect(clauses.slice(0, -1).every((clause) => clause.length <= 100 && clause.endsWith(", "))).toBe(true);
    const words = split("word ".repeat(100), [], 100);
    expect(words.slice(0, -1).every((clause) => clause.length <= 100 && clause.endsWith("word "))).toBe(true);
    const none = split("x".repeat(1_000), [], 100);
    expect(none.map((clause) => clause.length)).toEqual(Array(10).fill(100));
    const pairs = split(`a${"😀".repeat(300)}`, [], 100);
    expect(pairs.every((clause) => !/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/.test(clause))).toBe(true);
    const chinese = split("这是一个很长的句子，".repeat(40), [], 100);
    expect(chinese.slice(0, -1).every((clause) => clause.length > 50 && clause.endsWith("，"))).toBe(true);
  });

  const word = fc.constantFrom(
    ...'Hello there Dr. e.g. 3.5 ... … etc. a.m. U.S. No. 5 https://a.b/c?d=e. 你好。 是， \n \n\n ! ? ?! **bold** 😀 1. - | x" (y.) .'.split(
      " ",
    ),
    "\n",
    " ",
    "  ",
  );
  const text = fc
    .array(fc.tuple(word, fc.constantFrom("", " ", " ", " ")), { maxLength: 60 })
    .map((words) => words.flat().join(""));

  it("cuts the same sentences however the text comes, and loses nothing of it", () => {
    fc.assert(
      fc.property(
        fc.oneof(text, fc.string({ unit: "binary", maxLength: 200 })),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom(20, 60, 280),
        (text, cuts, maxChars) => {
          const whole = split(text, [], maxChars);
          expect(whole.join("")).toBe(text);
          expect(split(text, cuts, maxChars)).toEqual(whole);
          expect(whole.every((sentence) => sentence.length <= maxChars)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("wants room for a sentence", () => {
    expect(() => new SentenceSplitter({ maxChars: 5 })).toThrow(RangeError);
  });
});

describe("speakable", () => {
  it.each([
    ["## **Prices**: `12` € 🎉 per [month](https://example.com) ", "Prices: 12 € per month "],
    ["- **First**: one", "First: one"],
    ["* item\n* other", "item other"],
    ["2 * 3 and snake_case and _soft_ and ~~gone~~", "2 * 3 and snake_case and soft and gone"],
    ["```js\ncode()\n```", "js code() "],
    ["Thumbs 👍🏽 up 👨‍👩‍👧 flag 🇩🇪 key 5️⃣ © 2026 Acme™", "Thumbs up flag key 5 © 2026 Acme™"],
    ["> quoted", "quoted"],
    ["| a | b |", " a b "],
    ["#1 of 10, -5 degrees, C# and 5–6", "#1 of 10, -5 degrees, C# and 5–6"],
    ["**Hello there. ", "Hello there. "],
  ])("%j is said %j", (written, said) => {
    expect(speakable(written)).toBe(said);
  });

  it("finds nothing to say in signs", () => {
    for (const text of ["**", "---", "😀", " \n", "|---|---|", "。"]) expect(isSpeakable(speakable(text))).toBe(false);
    for (const text of ["a", "5", "是", "ß"]) expect(isSpeakable(speakable(text))).toBe(true);
  });
});
