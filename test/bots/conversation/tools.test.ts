import { describe, expect, it } from "vitest";
import { checkTools, endCallTool } from "../../../src/bots/conversation/tools/index.ts";
import type { Tool } from "../../../src/pipecat/index.ts";

const right: Tool = { name: "a", description: "Does a.", parameters: { type: "object" }, run: () => 1 };

describe("checkTools", () => {
  it("takes tools that are in order", () => {
    checkTools([]);
    checkTools([right, { ...right, name: "b-2_C", timeoutMs: 1, respondAfter: false }, endCallTool()]);
    checkTools([{ ...right, name: "x".repeat(64) }]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no list", {}, /^tools must be a list$/],
    ["too many", Array(129).fill(right), /^tools must be at most 128, got 129$/],
    ["no object", [null], /^tools\[0\] must be an object$/],
    ["no name", [{ ...right, name: undefined }], /^tools\[0\].name must be .* got nothing$/],
    ["a name with a space", [right, { ...right, name: "a b" }], /^tools\[1\].name must be .* got "a b"$/],
    ["a name that is too long", [{ ...right, name: "x".repeat(65) }], /^tools\[0\].name must be 1 to 64/],
    ["a name twice", [right, right], /^two tools are named "a"$/],
    ["no description", [{ ...right, description: "" }], /^the tool "a" must have a description/],
    ["no schema", [{ ...right, parameters: undefined }], /^parameters of the tool "a" must be an object$/],
    [
      "a schema of a list",
      [{ ...right, parameters: { type: "array" } }],
      /^parameters of the tool "a" .* type "object"$/,
    ],
    ["nothing to run", [{ ...right, run: "a" }], /^run of the tool "a" must be a function$/],
    ["no time", [{ ...right, timeoutMs: 0 }], /^timeoutMs of the tool "a" must be above 0 .* got 0$/],
  ])("refuses %s", (_, tools, message) => {
    expect(() => checkTools(tools as Tool[])).toThrow(message);
  });
});
