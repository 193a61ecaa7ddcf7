import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { wantsTunnel } from "../../src/cli/tunnel.ts";
import { createWavixSimulator } from "../../src/simulator/index.ts";
import { command, folder, start } from "../support/commands.ts";
import { installFakeNgrok } from "../support/fake-ngrok.ts";
import { freePort } from "../support/free-port.ts";

const seen = () => {
  const lines = readFileSync(join(folder(), "ngrok.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe("start --tunnel ngrok", () => {
  it("takes a call through the tunnel, prints its addresses, and closes it at the end", async () => {
    installFakeNgrok(folder());
    await using simulator = await createWavixSimulator({ apiKey: "key-of-the-account" });
    const port = await freePort();
    const server = await start(["--port", `${port}`, "--tunnel", "ngrok"], {
      WAVIX_API_KEY: "key-of-the-account",
      WAVIX_API_BASE: simulator.apiUrl,
      NGROK_AUTH_TOKEN: "good-token",
      NGROK_DOMAIN: "bot.example.com",
      WEBHOOK_SECRET: "not-for-logs",
    });
    const publicUrl = /Public URL +(http:\/\/127\.0\.0\.1:\d+)\n/.exec(server.output)?.[1] as string;
    expect(new URL(publicUrl).port).not.toBe(`${port}`);
    expect(server.output).toContain(`Webhook URL    ${publicUrl}/wavix/inbound/<WEBHOOK_SECRET>\n`);
    expect(server.output).toContain(`WebSocket URL  ${publicUrl.replace("http", "ws")}/ws/<token>\n`);
    const call = simulator.placeCall({ webhookUrl: `${publicUrl}/wavix/inbound/not-for-logs`, hangUpAfterMs: 300 });
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "caller", streamError: null });
    expect(report.sent.packets).toBeGreaterThan(5);
    const asked = simulator.requests.find(({ operation }) => operation === "answerCall");
    expect(asked?.body).toMatchObject({ stream_url: expect.stringMatching(`^${publicUrl.replace("http", "ws")}/ws/`) });

    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    expect(seen()).toEqual([{ addr: `127.0.0.1:${port}`, domain: "bot.example.com" }, { closed: true }]);
    expect(server.output).not.toContain("good-token");
  }, 40_000);

  it("closes the tunnel when the server cannot start", async () => {
    installFakeNgrok(folder());
    const port = await freePort();
    const first = await start(["--port", `${port}`]);
    const { code, stderr } = await command(["start", "--port", `${port}`, "--tunnel", "ngrok"], {
      NGROK_AUTH_TOKEN: "good-token",
    });
    expect(stderr).toBe(`pipecat-wavix start: port ${port} on 127.0.0.1 is in use; choose another with --port\n`);
    expect(code).toBe(1);
    expect(seen()).toContainEqual({ closed: true });
    first.child.kill("SIGTERM");
    expect(await first.exit).toBe(0);
  }, 40_000);

  it("closes the tunnel when its address is none that a server can be reached at", async () => {
    installFakeNgrok(folder());
    const { code, stderr } = await command(["start", "--port", "7869"], { NGROK_AUTH_TOKEN: "tcp-1" });
    expect(code).toBe(2);
    expect(stderr).toContain("PUBLIC_URL must be");
    expect(seen().at(-1)).toEqual({ closed: true });
  });

  it("says in a line what is missing", async () => {
    const token = { NGROK_AUTH_TOKEN: "good-token" };
    const install = "pipecat-wavix start: a tunnel needs the package @ngrok/ngrok: npm install @ngrok/ngrok\n";
    const without = await Promise.all([
      command(["start", "--tunnel", "ngrok"]),
      // A token alone asks for one too. The package is none of this project's own, so it is not there.
      command(["start"], token),
    ]);
    for (const { code, stdout, stderr } of without) expect([code, stdout, stderr]).toEqual([2, "", install]);

    installFakeNgrok(folder());
    const both = ["start", "--tunnel", "ngrok", "--public-url", "https://bot.example.com"];
    const cases: [string[], Record<string, string>, RegExp][] = [
      [["start", "--tunnel", "ngrok"], {}, /a tunnel needs NGROK_AUTH_TOKEN; yours is at https:\S+$/],
      [both, token, /--tunnel and --public-url are two public addresses: give one$/],
      [["start", "--tunnel", "frp"], token, /--tunnel must be ngrok, got frp$/],
      [["start", "--tunnel", "ngrok", "--port", "0"], token, /a tunnel needs a PORT that is known beforehand, got 0$/],
      [["start", "--tunnel", "ngrok", "--port", "x"], token, /the settings need mending:\n {2}PORT must be .*$/],
    ];
    const outcomes = await Promise.all(cases.map(([argv, env]) => command(argv, env)));
    outcomes.forEach(({ code, stderr }, i) => {
      expect(stderr.trimEnd()).toMatch(cases[i]![2]);
      expect(code).toBe(2);
    });
    expect(existsSync(join(folder(), "ngrok.jsonl"))).toBe(false);
  }, 40_000);

  it("says in a line what ngrok has against it, without the token", async () => {
    installFakeNgrok(folder());
    const cases: [string, RegExp][] = [
      ["bad-token", /NGROK_AUTH_TOKEN is not one of ngrok's; yours is at https:\S+ \(ERR_NGROK_105\)/],
      ["full-token", /the account has as many tunnels as it may; .* \(ERR_NGROK_108\)/],
      ["odd-token", /failed for <NGROK_AUTH_TOKEN>/],
      ["nameless-token", /ngrok has given it no address/],
    ];
    const outcomes = await Promise.all(
      cases.map(([token]) => command(["start"], { NGROK_AUTH_TOKEN: token, PORT: "7999" })),
    );
    outcomes.forEach(({ code, stdout, stderr }, i) => {
      const [token, reason] = cases[i]!;
      expect(stderr).toMatch(new RegExp(`^pipecat-wavix start: the tunnel cannot be opened: ${reason.source}\n$`));
      expect(stderr).not.toContain(token);
      expect([code, stdout]).toEqual([1, ""]);
    });
  }, 40_000);

  it("says so when the package is not what it should be", async () => {
    const place = join(folder(), "node_modules", "@ngrok", "ngrok");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "index.js"), "module.exports = {};");
    const { stderr } = await command(["start"], { NGROK_AUTH_TOKEN: "good-token" });
    expect(stderr).toMatch(/^pipecat-wavix start: the tunnel cannot be opened: @ngrok\/ngrok has no forward.*\n$/);
  });
});

describe("wantsTunnel", () => {
  it("lets an address that is there already go before a token", () => {
    const token = { NGROK_AUTH_TOKEN: "token" };
    expect(wantsTunnel(undefined, undefined, {})).toBe(false);
    expect(wantsTunnel(undefined, undefined, token)).toBe(true);
    expect(wantsTunnel(undefined, undefined, { ...token, PUBLIC_URL: "https://bot.example.com" })).toBe(false);
    expect(wantsTunnel(undefined, "https://bot.example.com", token)).toBe(false);
    expect(wantsTunnel("ngrok", undefined, { PUBLIC_URL: "https://bot.example.com" })).toBe(true);
  });
});
