import { describe, expect, it } from "vitest";
import { clientMessage, clientReady, disconnectBot, dtmf } from "../../../src/pipecat/wire/index.ts";

const ID = /^[0-9a-z]{8}$/;
const parsed = (text: string) => JSON.parse(text) as { label: string; type: string; id: string; data?: unknown };

describe("RTVI messages to a bot", () => {
  it("say that the client is ready", () => {
    expect(parsed(clientReady())).toEqual({
      label: "rtvi-ai",
      type: "client-ready",
      id: expect.stringMatching(ID),
      data: { version: "1.2.0", about: { library: "pipecat-wavix" } },
    });
    const about = { library: "mine", library_version: "3.0.0", platform: "node" };
    expect(parsed(clientReady({ version: "2.1.0", about })).data).toEqual({ version: "2.1.0", about });
  });

  it("carry an application's own", () => {
    expect(parsed(clientMessage("wavix-call", { call_id: "c", to: undefined }))).toEqual({
      label: "rtvi-ai",
      type: "client-message",
      id: expect.stringMatching(ID),
      data: { t: "wavix-call", d: { call_id: "c" } },
    });
    expect(parsed(clientMessage("ping")).data).toEqual({ t: "ping" });
  });

  it("carry a key in the shapes of all versions", () => {
    const { id, text } = dtmf("#");
    expect(parsed(text)).toEqual({ label: "rtvi-ai", type: "dtmf", id, data: { button: "#", buttons: ["#"] } });
    expect(id).toMatch(ID);
  });

  it("ask the bot to end", () => {
    expect(parsed(disconnectBot())).toEqual({
      label: "rtvi-ai",
      type: "disconnect-bot",
      id: expect.stringMatching(ID),
    });
  });

  it("have each an id of its own", () => {
    const ids = Array.from({ length: 1_000 }, () => dtmf("1").id);
    expect(new Set(ids).size).toBe(1_000);
  });
});
