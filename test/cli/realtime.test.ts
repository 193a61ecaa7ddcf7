import { describe, expect, it } from "vitest";
import { createRealtimeStandIn } from "../../src/simulator/services/index.ts";
import { command, localUrl, start } from "../support/commands.ts";
import { freePort } from "../support/free-port.ts";

describe("start --bot realtime", () => {
  it("says that the key is missing, and what else is wrong, without showing it", async () => {
    const missing = await command(["start", "--bot", "realtime", "--port", "0"]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("OPENAI_API_KEY is missing: set it in .env (see .env.example)");
    const env = { OPENAI_API_KEY: "sk two words", OPENAI_REALTIME_SILENCE_MS: "never" };
    const wrong = await command(["start", "--bot", "realtime", "--port", "0"], env);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("OPENAI_API_KEY must be a key");
    expect(wrong.stderr).toContain("OPENAI_REALTIME_SILENCE_MS must be a whole number from 100 to 10000");
    expect(wrong.stderr).not.toContain("two words");
  });

  it("has a call answered by the service, and ended by it", async () => {
    const end = { text: "Goodbye then.", toolCalls: [{ name: "end_call" }] };
    await using openai = await createRealtimeStandIn({ replies: [end], apiKey: "sk-1" });
    const apiPort = await freePort();
    const server = await start(["--bot", "realtime"], {
      WAVIX_API_BASE: `http://127.0.0.1:${apiPort}`,
      OPENAI_API_KEY: "sk-1",
      OPENAI_REALTIME_BASE_URL: openai.url,
      OPENAI_REALTIME_VOICE: "cedar",
      VOICE_GREETING: "Good day.",
    });
    const url = localUrl(server.output);
    // The caller lets the bot finish.
    const place = ["--server", url, "--api-port", `${apiPort}`, "--speak-after", "20000"];
    const { stdout } = await command(["call", ...place, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ endedBy: "rest", hungUp: true });
    expect(openai.connections[0]).toMatchObject({
      model: "gpt-realtime-2.1",
      session: { audio: { output: { voice: "cedar" } } },
    });
    expect(openai.responses[0]?.params.instructions).toContain("Good day.");
    expect(openai.problems).toEqual([]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('wavix_bot_events_total{event="realtime_responses"} 1');
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
  }, 40_000);
});
